#include "../kernels/sampling.h"

#include <functional>

#include "guarded.h"
#include "tests.h"

using namespace test;

namespace {

/// chooseToken of trainer/rollout/sampling.ts, with its additions in its order, and a sort in place of its ranges.
namespace reference {

int64_t ofAll(const Floats& probs, double u) {
  std::vector<double> sums;
  for (size_t first = 0; first < probs.size(); first += 64) {
    const size_t end = std::min(first + 64, probs.size());
    double parts[4] = {};
    size_t token = first;
    for (; token + 4 <= end; token += 4) {
      for (int part = 0; part < 4; part++) parts[part] += probs[token + part];
    }
    for (; token < end; token++) parts[0] += probs[token];
    sums.push_back(parts[0] + parts[1] + (parts[2] + parts[3]));
  }
  double total = 0, cumulative = 0;
  for (double sum : sums) total += sum;
  size_t block = 0;
  while (block + 1 < sums.size() && cumulative + sums[block] <= u * total) cumulative += sums[block++];
  for (size_t token = block * 64; token < probs.size(); token++) {
    cumulative += probs[token];
    if (cumulative > u * total) return int64_t(token);
  }
  int64_t last = -1;
  for (size_t token = 0; token < probs.size(); token++) last = probs[token] > 0 ? int64_t(token) : last;
  return last;
}

struct Kept {
  float threshold;
  int64_t ties;
  double mass;
};

/// The mass of the ranges above the border is summed range by range, each in the order of tokens.
Kept mostLikely(const Floats& probs, double most, double wanted) {
  const auto rangeOf = [](float p) {
    uint32_t bits;
    std::memcpy(&bits, &p, 4);
    return int(bits >> 20);
  };
  std::vector<double> masses(1018);
  std::vector<int64_t> counts(1018);
  for (float p : probs) masses[rangeOf(p)] += p, counts[rangeOf(p)]++;
  Kept found{0, 0, 0};
  double kept = 0;
  int range = 1017;
  for (; range > 0; range--) {
    if (counts[range] > 0 && (kept + double(counts[range]) >= most || found.mass + masses[range] >= wanted)) break;
    kept += double(counts[range]);
    found.mass += masses[range];
  }
  Floats inRange;
  for (float p : probs) {
    if (rangeOf(p) == range) inRange.push_back(p);
  }
  std::sort(inRange.begin(), inRange.end(), std::greater<>());
  for (float p : inRange) {
    if (kept > 0 && (kept >= most || found.mass >= wanted)) break;
    found.ties = p == found.threshold ? found.ties + 1 : 1;
    found.threshold = p;
    kept++;
    found.mass += p;
  }
  return found;
}

int64_t token(const Floats& probs, float temperature, double topP, int64_t topK, double u) {
  if (temperature == 0) return std::max_element(probs.begin(), probs.end()) - probs.begin();
  if (topP >= 1 && (topK == 0 || topK >= int64_t(probs.size()))) return ofAll(probs, u);
  double all = 0;
  for (float p : probs) all += p;
  Kept kept = mostLikely(probs, topK == 0 ? INFINITY : double(topK), topK == 0 ? topP * all : INFINITY);
  if (topK != 0 && topP < 1) kept = mostLikely(probs, double(topK), topP * kept.mass);
  double total = 0, cumulative = 0;
  int64_t last = 0;
  for (int pass = 0; pass < 2; pass++) {
    int64_t left = kept.ties;
    for (size_t t = 0; t < probs.size(); t++) {
      const float p = probs[t];
      if (!(p > kept.threshold || (p == kept.threshold && left-- > 0))) continue;
      if (pass == 0) total += p;
      else if ((cumulative += p) > u * total) return int64_t(t);
      else if (p > 0) last = int64_t(t);
    }
  }
  return last;
}

}  // namespace reference

/// Random numbers as trainer/algorithms/random.ts has them: `uniform([243, 7], i · 2³¹)`.
__global__ void drawNumbers(const uint32_t* key, double* numbers) { numbers[threadIdx.x] = r1::cuda::uniform(key, int64_t(threadIdx.x) << 31); }

void numbersAreThoseOfTheTrainer(const std::vector<double>& want) {
  const uint32_t key[2] = {243, 7};
  std::vector<double> found(want.size());
  r1::cuda::launch(drawNumbers, dim3(1), dim3(unsigned(want.size())), 0, key, found.data());
  check(found == want, "random numbers differ: %.17g", found[0]);
}

Floats distribution(int64_t vocabulary, int kind) {
  Floats probs(vocabulary);
  double sum = 0;
  for (float& p : probs) {
    p = kind == 0 ? 1 : kind == 1 ? float(between(1, 4)) : std::exp(normals(1, kind == 2 ? 1.f : 5.f)[0]);
    if (kind == 4 && between(0, 2)) p = 0;
    sum += p;
  }
  if (sum == 0) sum = probs[vocabulary / 2] = 1;
  for (float& p : probs) p = float(p / sum);
  return probs;
}

void tokensAreThoseOfTheTrainer() {
  for (int i = 0; i < cases(60); i++) {
    const int64_t rows = between(1, 5), vocabulary = i % 10 == 9 ? between(2000, 4000) : between(1, 500);
    Floats probs, temperature;
    std::vector<double> topP, us;
    std::vector<int64_t> topK, places;
    std::vector<uint32_t> keys;
    for (int64_t row = 0; row < rows; row++) {
      const Floats some = distribution(vocabulary, int(between(0, 4)));
      probs.insert(probs.end(), some.begin(), some.end());
      temperature.push_back(between(0, 5) ? 0.7f : 0);
      topP.push_back(between(0, 2) ? double(between(1, 99)) / 100 : 1);
      topK.push_back(between(0, 2) ? 0 : between(1, vocabulary + 2));
      places.push_back(between(0, 1000));
      keys.push_back(uint32_t(test::random()())), keys.push_back(uint32_t(test::random()()));
    }
    Guarded<int64_t> tokens(rows);
    Guarded<double> sums(rows * ((vocabulary + 63) / 64));
    r1::cuda::sampleTokens(probs.data(), {temperature.data(), topP.data(), topK.data(), keys.data(), places.data()}, sums.data(), tokens.data(),
                           rows, vocabulary);
    sums.values();
    const std::vector<int64_t> found = tokens.values();
    for (int64_t row = 0; row < rows; row++) {
      const Floats own(probs.begin() + row * vocabulary, probs.begin() + (row + 1) * vocabulary);
      const double u = r1::cuda::uniform(&keys[2 * row], places[row]);
      const int64_t want = reference::token(own, temperature[row], topP[row], topK[row], u);
      digest = (digest ^ uint64_t(found[row])) * 0x100000001b3;
      check(found[row] == want, "of %ld tokens, top-p %g, top-k %ld, temperature %g: found %ld, expected %ld", vocabulary, topP[row], topK[row],
            temperature[row], found[row], want);
    }
  }
}

}  // namespace

void testSampling(const r1::Table&) {
  numbersAreThoseOfTheTrainer({0.05944071916685989, 0.09643955272262994, 0.9428216917373173});
  tokensAreThoseOfTheTrainer();
}
