// Measures the kernels on one thread at the sizes that matter. CPU time, least of several; GFLOP/s or GB/s.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include "../kernels.h"

namespace {

double cpuSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return double(now.tv_sec) + double(now.tv_nsec) * 1e-9;
}

template <class Work>
double least(Work work) {
  double best = 1e9, spent = 0;
  for (int i = 0; i < 3 || spent < 0.25; i++) {
    const double start = cpuSeconds();
    work();
    const double took = cpuSeconds() - start;
    best = std::min(best, took);
    spent += took;
  }
  return best;
}

typedef std::vector<float> Floats;

Floats some(int64_t count) {
  Floats values(count);
  for (float& value : values) value = float(std::rand()) / float(RAND_MAX) - 0.5f;
  return values;
}

void linear() {
  std::printf("linear, GFLOP/s (f32 / bf16 weights)\n");
  for (const auto& [n, k] : {std::pair<int64_t, int64_t>{576, 576}, {1536, 576}, {576, 1536}, {49152, 576}, {256, 256}}) {
    std::printf("  [M, %ld]·[%ld, %ld]ᵀ:", k, n, k);
    const Floats w = some(n * k);
    const std::vector<uint16_t> half(n * k, 0x3f80);
    for (int64_t m : {1, 2, 4, 8, 16, 64, 512}) {
      if (n > 10000 && m > 64) continue;
      const Floats x = some(m * k);
      Floats y(m * n);
      const double full = least([&] { r1::linear(x.data(), w.data(), nullptr, y.data(), m, n, k); });
      const double upper = least([&] { r1::linearBf16(x.data(), half.data(), nullptr, y.data(), m, n, k); });
      const double flop = 2e-9 * double(m * n * k);
      std::printf("  M=%ld %.1f/%.1f", m, flop / full, flop / upper);
    }
    std::printf("\n");
  }
}

}  // namespace

int main(int count, char** names) {
  std::printf("%s\n", r1::instructionSet());
  const auto asked = [&](const std::string& name) {
    return count < 2 || std::any_of(names + 1, names + count, [&](const char* one) { return name == one; });
  };
  if (asked("linear")) linear();
}
