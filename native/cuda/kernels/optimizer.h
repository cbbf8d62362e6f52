// What an optimizer step does to flat arrays.
#pragma once

#include "../../kernels/kernels.h"
#include "numbers.h"
#include "threads.h"

namespace r1::cuda {

/// @param copy the parameters in bfloat16, or null
__global__ inline void __launch_bounds__(blockThreads, 1)
    update(const AdamW* factors, float* parameters, float* m, float* v, const float* gradient, uint16_t* copy, int64_t n) {
  const int64_t i = globalThread();
  if (i >= n) return;
  const AdamW by = *factors;
  const float g = gradient[i] * by.gradientScale;
  const float first = by.beta1 * m[i] + by.rest1 * g;
  const float second = by.beta2 * v[i] + by.rest2 * g * g;
  const float p = parameters[i];
  const float next = p - (by.decay * p + (by.rate * first) / (sqrtf(second) * by.correction + by.epsilon));
  m[i] = first;
  v[i] = second;
  parameters[i] = next;
  if (copy) copy[i] = upperHalf(next);
}

/// Numbers that a block sums up.
constexpr int64_t squaresOfPart = 4096;

/// The sum over [first, end) of what `term` makes of each, by all threads of a block.
template <class Term>
__device__ double sumInBlock(int64_t first, int64_t end, OfWarps<double>& shared, Term term) {
  double sum = 0;
  for (int64_t i = first + threadIdx.x; i < end; i += blockThreads) sum += term(i);
  return overBlock<Sum>(sum, shared);
}

/// parts [⌈n/squaresOfPart⌉]
__global__ inline void __launch_bounds__(blockThreads, 1) squaresOfParts(const float* x, double* parts, int64_t n) {
  R1_SHARED(OfWarps<double>, shared);
  const int64_t first = blockIdx.x * squaresOfPart, end = first + squaresOfPart < n ? first + squaresOfPart : n;
  const double sum = sumInBlock(first, end, shared, [&](int64_t i) { return double(x[i]) * double(x[i]); });
  if (threadIdx.x == 0) parts[blockIdx.x] = sum;
}

/// One block.
__global__ inline void __launch_bounds__(blockThreads, 1) sumOfParts(const double* parts, double* sum, int64_t count) {
  R1_SHARED(OfWarps<double>, shared);
  const double all = sumInBlock(0, count, shared, [&](int64_t i) { return parts[i]; });
  if (threadIdx.x == 0) *sum = all;
}

}  // namespace r1::cuda
