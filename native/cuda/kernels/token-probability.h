// The distribution of the next token from logits of some rows, [rows, V], and the probabilities of targets, as in
// trainer/nn/token-probability.ts.
#pragma once

#include "numbers.h"
#include "threads.h"

namespace r1::cuda {

/// p = softmax of the row, and prob that of its target; targets may be null, if only the distribution is wanted. A block a row.
__global__ inline void __launch_bounds__(blockThreads, 1)
    softmaxRows(const float* logits, const int64_t* targets, float* p, float* prob, int64_t vocabulary) {
  R1_SHARED(OfWarps<float>, shared);
  const int64_t row = blockIdx.x;
  const float* x = logits + row * vocabulary;
  p += row * vocabulary;
  float largest = -INFINITY;
  for (int64_t j = threadIdx.x; j < vocabulary; j += blockThreads) largest = x[j] > largest ? x[j] : largest;
  largest = overBlock<Largest>(largest, shared);
  float sum = 0;
  for (int64_t j = threadIdx.x; j < vocabulary; j += blockThreads) sum += p[j] = exponential(x[j] - largest);
  const float inverse = 1.f / overBlock<Sum>(sum, shared);
  for (int64_t j = threadIdx.x; j < vocabulary; j += blockThreads) {
    p[j] *= inverse;
    if (targets != nullptr && j == targets[row]) prob[row] = p[j];
  }
}

/// logits and p [rows, V], targets and prob [rows] or null
inline void tokenProbability(const float* logits, const int64_t* targets, float* p, float* prob, int64_t rows, int64_t vocabulary) {
  launch(softmaxRows, dim3(unsigned(rows)), dim3(blockThreads), sizeof(OfWarps<float>), logits, targets, p, prob, vocabulary);
}

}  // namespace r1::cuda
