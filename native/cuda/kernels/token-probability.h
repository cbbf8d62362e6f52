// The distribution of the next token, and its gradient, over logits of some rows, [rows, V], which change in place. As in
// trainer/nn/token-probability.ts: one softmax serves the target's probability, its logarithm, the row's largest, and the gradient.
#pragma once

#include "numbers.h"
#include "threads.h"

namespace r1::cuda {

constexpr float smallestProbability = 1.2e-38f;

/// Where a target's numbers go, [rows] each. `targets` may be null, if only the distribution is wanted.
struct TargetProbability {
  const int64_t* targets;
  float *prob, *logProb, *top;
};

/// logits → softmax of the row. A block a row.
__global__ inline void __launch_bounds__(blockThreads, 1) softmaxRows(float* logits, TargetProbability of, int64_t vocabulary) {
  R1_SHARED(OfWarps<float>, shared);
  const int64_t row = blockIdx.x;
  float* p = logits + row * vocabulary;
  float largest = -INFINITY;
  for (int64_t j = threadIdx.x; j < vocabulary; j += blockThreads) largest = p[j] > largest ? p[j] : largest;
  largest = overBlock<Largest>(largest, shared);
  float sum = 0;
  for (int64_t j = threadIdx.x; j < vocabulary; j += blockThreads) sum += p[j] = exponential(p[j] - largest);
  const float inverse = 1.f / overBlock<Sum>(sum, shared);
  for (int64_t j = threadIdx.x; j < vocabulary; j += blockThreads) {
    p[j] *= inverse;
    if (of.targets == nullptr || j != of.targets[row]) continue;
    of.prob[row] = p[j];
    of.logProb[row] = float(log(double(p[j] > smallestProbability ? p[j] : smallestProbability)));
    of.top[row] = inverse;  // that of the largest logit, e⁰ times it
  }
}

/// P → the cotangent of the logits, c·(onehot − P) with c = gProb·prob + gLog; either cotangent may be null. A block 256 tokens of a row.
__global__ inline void __launch_bounds__(blockThreads, 1)
    targetGradient(float* p, const int64_t* targets, const float* prob, const float* gProb, const float* gLog, int64_t vocabulary) {
  const int64_t row = blockIdx.y, j = globalThread();
  if (j >= vocabulary) return;
  const float c = (gProb ? gProb[row] * prob[row] : 0.f) + (gLog ? gLog[row] : 0.f);
  const float here = p[row * vocabulary + j];
  p[row * vocabulary + j] = j == targets[row] ? c - c * here : -c * here;
}

inline void tokenProbability(float* logits, const TargetProbability& of, int64_t rows, int64_t vocabulary) {
  launch(softmaxRows, dim3(unsigned(rows)), dim3(blockThreads), sizeof(OfWarps<float>), logits, of, vocabulary);
}

inline void tokenProbabilityGradient(float* p, const int64_t* targets, const float* prob, const float* gProb, const float* gLog,
                                     int64_t rows, int64_t vocabulary) {
  launch(targetGradient, dim3(blocksFor(vocabulary), unsigned(rows)), dim3(blockThreads), 0, p, targets, prob, gProb, gLog, vocabulary);
}

}  // namespace r1::cuda
