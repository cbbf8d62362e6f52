// Measures the kernels on one thread at the sizes that matter. CPU time, least of several; GFLOP/s or GB/s.
#include <algorithm>
#include <array>
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

/// Memory that begins with a line of the cache, as the trainer's does.
template <class T>
struct Aligned {
  typedef T value_type;
  Aligned() = default;
  template <class Other>
  Aligned(const Aligned<Other>&) {}
  T* allocate(size_t count) { return static_cast<T*>(std::aligned_alloc(64, (count * sizeof(T) + 63) / 64 * 64)); }
  void deallocate(T* memory, size_t) { std::free(memory); }
  bool operator==(const Aligned&) const { return true; }
  bool operator!=(const Aligned&) const { return false; }
};
typedef std::vector<float, Aligned<float>> Floats;
typedef std::vector<uint16_t, Aligned<uint16_t>> Halves;

Floats some(int64_t count) {
  Floats values(count);
  for (float& value : values) value = float(std::rand()) / float(RAND_MAX) - 0.5f;
  return values;
}

void linear() {
  std::printf("linear, GFLOP/s (f32 / packed / bf16 weights / packed)\n");
  for (const auto& [n, k] :
       {std::pair<int64_t, int64_t>{576, 576}, {1536, 576}, {576, 1536}, {49152, 576}, {256, 256}, {2048, 8192}}) {
    std::printf("  [M, %ld]·[%ld, %ld]ᵀ:", k, n, k);
    const Floats w = some(n * k);
    Floats panels(n * k);
    r1::linearPanels(w.data(), panels.data(), n, k);
    const Halves half(n * k, 0x3f80);
    Halves halfPanels(n * k);
    r1::linearPanelsBf16(half.data(), halfPanels.data(), n, k);
    for (int64_t m : {1, 2, 4, 8, 16, 64, 512}) {
      if (n > 10000 && m > 64) continue;
      const Floats x = some(m * k);
      Floats y(m * n);
      const double full = least([&] { r1::linear(x.data(), w.data(), nullptr, y.data(), m, n, k); });
      const double packed = least([&] { r1::linearPacked(x.data(), panels.data(), nullptr, y.data(), m, n, k); });
      const double upper = least([&] { r1::linearBf16(x.data(), half.data(), nullptr, y.data(), m, n, k); });
      const double packedUpper = least([&] { r1::linearPackedBf16(x.data(), halfPanels.data(), nullptr, y.data(), m, n, k); });
      const double flop = 2e-9 * double(m * n * k);
      std::printf("  M=%ld %.1f/%.1f/%.1f/%.1f", m, flop / full, flop / packed, flop / upper, flop / packedUpper);
    }
    std::printf("\n");
  }
}

void gradients() {
  std::printf("linear's gradients, GFLOP/s (dx / dw; in bf16)\n");
  for (const auto& [n, k] : {std::pair<int64_t, int64_t>{576, 576}, {1536, 576}, {576, 1536}, {4096, 576}, {256, 256}}) {
    std::printf("  [%ld, %ld]:", n, k);
    const Floats w = some(n * k);
    const Halves half(n * k, 0x3f80);
    Floats dw(n * k);
    for (int64_t m : {16, 64, 128, 512, 2048}) {
      const Floats g = some(m * n), x = some(m * k);
      Floats dx(m * k);
      const double input = least([&] { r1::linearInputGradient(g.data(), w.data(), nullptr, dx.data(), m, n, k); });
      const double weight = least([&] { r1::linearWeightGradient(g.data(), x.data(), dw.data(), m, n, k); });
      const double inputBf16 = least([&] { r1::linearInputGradientBf16(g.data(), half.data(), nullptr, dx.data(), m, n, k); });
      const double weightBf16 = least([&] { r1::linearWeightGradientBf16(g.data(), x.data(), dw.data(), m, n, k); });
      const double flop = 2e-9 * double(m * n * k);
      std::printf("  M=%ld %.1f/%.1f; %.1f/%.1f", m, flop / input, flop / weight, flop / inputBf16, flop / weightBf16);
    }
    std::printf("\n");
  }
}

/// As many layers as make the cache larger than the processor's.
void cachedAttention(int64_t group, int64_t sharing) {
  std::printf("cachedAttention, %ld heads over 2 of 64, 32 rows of which %ld share all but 64 keys, ms (f32 / bf16)\n ", 2 * group, sharing);
  for (const int64_t count : {64, 128, 192, 256, 1024}) {
    const int64_t rows = 32, layers = 6, columns = count / r1::cacheBlock, block = 2 * r1::cacheBlock * 64;
    const int64_t size = rows * columns * block;
    const r1::CacheShape shape{rows, 2 * group, 2, 64, columns};
    std::vector<int64_t> positions(rows, count - 1), table(rows * columns);
    for (int64_t i = 0; i < rows * columns; i++) {
      const int64_t row = i / columns, column = i % columns;
      table[i] = column < columns - 4 ? row / sharing * sharing * columns + column : i;
    }
    const Floats q = some(rows * 2 * group * 64), k = some(rows * 2 * 64), v = some(rows * 2 * 64);
    Floats keys = some(layers * size), values = some(layers * size), out(q.size());
    Halves halfKeys(layers * size, 0x3f80), halfValues(layers * size, 0x3f80);
    const auto perLayer = [&](auto kernel, auto* allKeys, auto* allValues) {
      return 1e3 / double(layers) * least([&] {
        for (int64_t layer = 0; layer < layers; layer++) {
          kernel(shape, q.data(), k.data(), v.data(), positions.data(), table.data(), allKeys + layer * size, allValues + layer * size, out.data());
        }
      });
    };
    std::printf("  %ld keys %.3f/%.3f", count, perLayer(r1::cachedAttention, keys.data(), values.data()),
                perLayer(r1::cachedAttentionBf16, halfKeys.data(), halfValues.data()));
  }
  std::printf("\n");
}

/// One sequence; half of the products of a full square count.
void attention() {
  std::printf("attention, 9 heads over 3 of 64, one sequence, GFLOP/s (forward / gradient)\n ");
  for (int64_t length : {16, 64, 256, 1024, 4096}) {
    const r1::AttentionShape shape{length, 1, length, 9, 3, 64};
    std::vector<int64_t> cells(length);
    for (int64_t i = 0; i < length; i++) cells[i] = i;
    const Floats q = some(length * 9 * 64), k = some(length * 3 * 64), v = some(length * 3 * 64), g = some(length * 9 * 64);
    Floats out(q.size()), lse(length * 9), dq(q.size()), dk(k.size()), dv(k.size());
    const double forward = least([&] {
      r1::attention(shape, q.data(), k.data(), v.data(), cells.data(), cells.data(), out.data(), lse.data());
    });
    const double gradient = least([&] {
      r1::attentionGradient(shape, q.data(), k.data(), v.data(), cells.data(), cells.data(), out.data(), lse.data(),
                            g.data(), dq.data(), dk.data(), dv.data());
    });
    const double flop = 1e-9 * double(length * (length + 1) * 9 * 64) * 2;
    std::printf("  T=%ld %.1f/%.1f", length, flop / forward, 2.5 * flop / gradient);
  }
  std::printf("\n");
  for (const int64_t sharing : {1, 8}) {
    for (const int64_t group : {2, 3}) cachedAttention(group, sharing);
  }
}

void optimizer() {
  const int64_t n = 16 << 20;
  Floats p = some(n), m = some(n), v(n, 0.1f), g = some(n);
  const r1::AdamW settings{1, 0.9f, 0.1f, 0.999f, 0.001f, 1e-7f, 1e-5f, 31.6f, 1e-8f};
  const double update = least([&] { r1::adamw(&settings, p.data(), m.data(), v.data(), g.data(), n); });
  double sum;
  const double squares = least([&] { r1::sumOfSquares(g.data(), &sum, n); });
  const double gigabytes = 4e-9 * double(n);
  std::printf("16 Mi elements, GB/s: adamw %.1f (%.3f s), sumOfSquares %.1f\n", 7 * gigabytes / update,
              update, gigabytes / squares);
}

void elementwise() {
  const int64_t m = 128, d = 576, f = 1536;
  const float epsilon = 1e-5f;
  const Floats x = some(m * f), up = some(m * f), g = some(m * f), weight = some(f);
  Floats y(m * f), z(m * f), r(m), dw(f);
  const double norm = least([&] { r1::rmsNorm(x.data(), weight.data(), &epsilon, y.data(), r.data(), m, d); });
  const double slope = least([&] {
    r1::rmsNormInputGradient(g.data(), x.data(), weight.data(), r.data(), nullptr, y.data(), m, d);
  });
  const double sums = least([&] { r1::rmsNormWeightGradient(g.data(), x.data(), r.data(), dw.data(), m, d); });
  const double gate = least([&] { r1::swiglu(x.data(), up.data(), y.data(), m * f); });
  const double gateSlope = least([&] {
    r1::swigluGradient(x.data(), up.data(), g.data(), y.data(), z.data(), m * f);
  });
  std::printf("128 tokens, ns an element: rmsNorm %.2f / %.2f / %.2f, swiglu %.2f / %.2f\n",
              1e9 * norm / double(m * d), 1e9 * slope / double(m * d), 1e9 * sums / double(m * d), 1e9 * gate / double(m * f),
              1e9 * gateSlope / double(m * f));
}

}  // namespace

int main(int count, char** names) {
  std::printf("%s\n", r1::instructionSet());
  const auto asked = [&](const std::string& name) {
    return count < 2 || std::any_of(names + 1, names + count, [&](const char* one) { return name == one; });
  };
  if (asked("linear")) linear();
  if (asked("gradients")) gradients();
  if (asked("attention")) attention();
  if (asked("optimizer")) optimizer();
  if (asked("elementwise")) elementwise();
}
