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

enum class Kind { greedy, all, nucleus };

/// Tokens of some rows in any order, a row more than once.
void tokensAreThoseOfTheTrainer() {
  for (int i = 0; i < cases(60); i++) {
    const Kind kind = Kind(i % 6 < 2 ? i % 6 : 2);
    const int64_t rows = between(1, 5), n = between(1, 30), vocabulary = i % 10 == 9 ? between(2000, 4000) : between(1, 500);
    Floats probs;
    std::vector<double> topP, us;
    std::vector<int64_t> topK, from;
    for (int64_t row = 0; row < rows; row++) {
      const Floats some = distribution(vocabulary, int(between(0, 4)));
      probs.insert(probs.end(), some.begin(), some.end());
    }
    for (int64_t at = 0; at < n; at++) {
      from.push_back(between(0, rows - 1));
      topP.push_back(between(0, 2) ? double(between(1, 99)) / 100 : 1);
      topK.push_back(between(0, 2) ? vocabulary : between(1, vocabulary));
      us.push_back(double(test::random()()) / 4294967296.0);
    }
    const bool isNucleus = kind == Kind::nucleus;
    Guarded<int32_t> tokens(n);
    Guarded<float> chosen(n);
    Guarded<double> sums(n * ((vocabulary + 63) / 64));
    const r1::cuda::Drawing how{from.data(), kind == Kind::greedy ? nullptr : us.data(), isNucleus ? topK.data() : nullptr,
                                isNucleus ? topP.data() : nullptr};
    r1::cuda::sampleTokens(probs.data(), how, sums.data(), tokens.data(), chosen.data(), n, vocabulary);
    sums.values();
    const std::vector<int32_t> found = tokens.values();
    for (int64_t at = 0; at < n; at++) {
      const Floats own(probs.begin() + from[at] * vocabulary, probs.begin() + (from[at] + 1) * vocabulary);
      const double p = isNucleus ? topP[at] : 1;
      const int64_t k = isNucleus && topK[at] < vocabulary ? topK[at] : 0;
      const int64_t want = reference::token(own, kind == Kind::greedy ? 0.f : 1.f, p, k, us[at]);
      digest = (digest ^ uint64_t(found[at])) * 0x100000001b3;
      check(found[at] == want, "of %ld tokens, top-p %g, top-k %ld: found %d, expected %ld", vocabulary, p, k, found[at], want);
      check(chosen.values()[at] == own[want], "the probability of a token is %g, expected %g", chosen.values()[at], own[want]);
    }
  }
}

}  // namespace

void testSampling(const r1::Table&) { tokensAreThoseOfTheTrainer(); }
