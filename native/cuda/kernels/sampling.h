// The next token of some rows, by the inverse of their cumulative probabilities: with the additions of trainer/rollout/sampling.ts in their order,
// so with its tokens. A block a token.
//
// One thread adds what has one order. All look at the rest: sums of 64 tokens, how many tokens lie in which range, which are the most likely.
#pragma once

#include "threads.h"

namespace r1::cuda {

/// How tokens are chosen, [tokens] each.
struct Drawing {
  const int64_t* rows;  ///< of the probabilities, which token is drawn from which
  const double* u;      ///< uniform in [0, 1); null takes the most likely
  const int64_t* topK;  ///< at least as many as there are is all; null, if all are candidates for every token
  const double* topP;   ///< of those; null with topK
};

constexpr int tokensOfSum = 64, tokensOfPiece = 1024;
constexpr int rangeShift = 20, rangeCount = (0x3f800000 >> rangeShift) + 2;
constexpr int64_t noLimit = int64_t(1) << 62;

struct SamplingMemory {
  OfWarps<double> masses;
  OfWarps<uint64_t> numbers;
  float piece[tokensOfPiece];
  double rangeMasses[rangeCount], total;
  int rangeCounts[rangeCount];
};

/// The kept tokens: all above `threshold`, and the first `ties` of those at it; their probability together.
struct Kept {
  float threshold;
  int64_t ties;
  double mass;
};

/// A row as all threads of a block see it.
struct Row {
  const float* probs;
  int64_t vocabulary;
  double* sums;  ///< room for a number for each 64 tokens
  SamplingMemory& memory;

  __device__ int64_t sumCount() const { return (vocabulary + tokensOfSum - 1) / tokensOfSum; }
  __device__ int64_t endOf(int64_t sum) const { return (sum + 1) * tokensOfSum < vocabulary ? (sum + 1) * tokensOfSum : vocabulary; }
  __device__ int rangeOf(float p) const { return __float_as_int(p) >> rangeShift; }

  /// The first of the largest. A probability's bits are in the order of its value.
  __device__ int64_t mostLikely() const {
    uint64_t best = 0;
    for (int64_t token = threadIdx.x; token < vocabulary; token += blockThreads) {
      best = Largest::of(best, uint64_t(unsigned(__float_as_int(probs[token]))) << 32 | (0xffffffffu - uint32_t(token)));
    }
    return int64_t(0xffffffffu - uint32_t(overBlock<Largest>(best, memory.numbers)));
  }

  __device__ int64_t inverseCdfOfAll(double u) const {
    for (int64_t sum = threadIdx.x; sum < sumCount(); sum += blockThreads) {
      const int64_t end = endOf(sum);
      int64_t token = sum * tokensOfSum;
      double a = 0, b = 0, c = 0, d = 0;
      for (; token + 4 <= end; token += 4) {
        a += double(probs[token]);
        b += double(probs[token + 1]);
        c += double(probs[token + 2]);
        d += double(probs[token + 3]);
      }
      for (; token < end; token++) a += double(probs[token]);
      sums[sum] = a + b + (c + d);
    }
    __syncthreads();
    if (threadIdx.x != 0) return 0;
    double total = 0, cumulative = 0;
    for (int64_t sum = 0; sum < sumCount(); sum++) total += sums[sum];
    const double target = u * total;
    int64_t sum = 0;
    while (sum < sumCount() - 1 && cumulative + sums[sum] <= target) cumulative += sums[sum++];
    int64_t last = 0;
    for (int64_t token = sum * tokensOfSum; token < vocabulary; token++) {
      cumulative += double(probs[token]);
      if (cumulative > target) return token;
    }
    for (int64_t token = 0; token < vocabulary; token++) last = probs[token] > 0 ? token : last;
    return last;  // u·total was rounded up to the total
  }

  /// How many tokens each range holds, and their probability: each range has a thread that adds, in the order of tokens.
  __device__ void findRanges() const {
    for (int range = int(threadIdx.x); range < rangeCount; range += blockThreads) memory.rangeMasses[range] = 0, memory.rangeCounts[range] = 0;
    double total = 0;
    for (int64_t first = 0; first < vocabulary; first += tokensOfPiece) {
      const int64_t count = vocabulary - first < tokensOfPiece ? vocabulary - first : tokensOfPiece;
      for (int64_t i = threadIdx.x; i < count; i += blockThreads) memory.piece[i] = probs[first + i];
      __syncthreads();
      for (int64_t i = 0; i < count; i++) {
        const float p = memory.piece[i];
        if (threadIdx.x == 0) total += double(p);
        if (unsigned(rangeOf(p)) % blockThreads != threadIdx.x) continue;
        memory.rangeMasses[rangeOf(p)] += double(p);
        memory.rangeCounts[rangeOf(p)]++;
      }
      __syncthreads();
    }
    if (threadIdx.x == 0) memory.total = total;
    __syncthreads();
  }

  /// The smallest set of most likely tokens, at least one, that has `most` tokens or the probability `wanted`. All threads come to the same.
  __device__ Kept mostLikelyTokens(int64_t most, double wanted) const {
    int64_t kept = 0;
    double mass = 0;
    int range = rangeCount - 1;
    for (; range > 0; range--) {
      const int count = memory.rangeCounts[range];
      const double more = memory.rangeMasses[range];
      if (count > 0 && (kept + count >= most || mass + more >= wanted)) break;
      kept += count;
      mass += more;
    }
    // The border lies in this range: its values one by one, from the largest on.
    float threshold = 0, bound = INFINITY;
    int64_t ties = 0;
    while (kept == 0 || (kept < most && mass < wanted)) {
      double next = -1;
      for (int64_t token = threadIdx.x; token < vocabulary; token += blockThreads) {
        const float p = probs[token];
        if (rangeOf(p) == range && p < bound) next = Largest::of(next, double(p));
      }
      next = overBlock<Largest>(next, memory.masses);
      if (next < 0) break;
      bound = float(next);
      uint64_t same = 0;
      for (int64_t token = threadIdx.x; token < vocabulary; token += blockThreads) same += probs[token] == bound;
      same = overBlock<Sum>(same, memory.numbers);
      for (; same > 0 && (kept == 0 || (kept < most && mass < wanted)); same--) {
        ties = bound == threshold ? ties + 1 : 1;
        threshold = bound;
        kept++;
        mass += next;
      }
    }
    return {threshold, ties, mass};
  }

  __device__ Kept nucleus(double topP, int64_t topK) const {
    findRanges();
    if (topK >= vocabulary) return mostLikelyTokens(noLimit, topP * memory.total);
    const Kept candidates = mostLikelyTokens(topK, INFINITY);
    return topP < 1 ? mostLikelyTokens(topK, topP * candidates.mass) : candidates;
  }

  /// Calls each(token, p) for the kept tokens in their order until it says that this is enough. One thread.
  template <class Each>
  __device__ void forKept(const Kept& kept, Each each) const {
    int64_t left = kept.ties;
    for (int64_t sum = 0; sum < sumCount(); sum++) {
      if (sums[sum] < double(kept.threshold)) continue;
      for (int64_t token = sum * tokensOfSum; token < endOf(sum); token++) {
        const float p = probs[token];
        if ((p > kept.threshold || (p == kept.threshold && left-- > 0)) && each(token, p)) return;
      }
    }
  }

  __device__ int64_t inverseCdf(const Kept& kept, double u) const {
    for (int64_t sum = threadIdx.x; sum < sumCount(); sum += blockThreads) {
      float largest = 0;
      for (int64_t token = sum * tokensOfSum; token < endOf(sum); token++) largest = Largest::of(probs[token], largest);
      sums[sum] = double(largest);
    }
    __syncthreads();
    if (threadIdx.x != 0) return 0;
    double total = 0, cumulative = 0;
    forKept(kept, [&](int64_t, float p) {
      total += double(p);
      return false;
    });
    const double target = u * total;
    int64_t last = 0;  // where u·total was rounded up to the total
    forKept(kept, [&](int64_t token, float p) {
      cumulative += double(p);
      if (p > 0 || cumulative > target) last = token;
      return cumulative > target;
    });
    return last;
  }

  /// What thread 0 gets is the token.
  __device__ int64_t choose(const Drawing& how, int64_t token) const {
    if (how.u == nullptr) return mostLikely();
    if (how.topK == nullptr || (how.topP[token] >= 1 && how.topK[token] >= vocabulary)) return inverseCdfOfAll(how.u[token]);
    return inverseCdf(nucleus(how.topP[token], how.topK[token]), how.u[token]);
  }
};

__global__ inline void __launch_bounds__(blockThreads, 1)
    chooseTokens(const float* probs, Drawing how, double* sums, int32_t* tokens, float* chosen, int64_t vocabulary) {
  R1_SHARED(SamplingMemory, memory);
  const int64_t at = blockIdx.x, sumCount = (vocabulary + tokensOfSum - 1) / tokensOfSum;
  const Row of{probs + how.rows[at] * vocabulary, vocabulary, sums + at * sumCount, memory};
  const int64_t token = of.choose(how, at);
  if (threadIdx.x != 0) return;
  tokens[at] = int32_t(token);
  chosen[at] = of.probs[token];
}

/// tokens [n], and what is their probability, from probs [rows, V]
/// @param sums room for ⌈V/64⌉ numbers a token
inline void sampleTokens(const float* probs, const Drawing& how, double* sums, int32_t* tokens, float* chosen, int64_t n, int64_t vocabulary) {
  launch(chooseTokens, dim3(unsigned(n)), dim3(blockThreads), sizeof(SamplingMemory), probs, how, sums, tokens, chosen, vocabulary);
}

}  // namespace r1::cuda
