// Root-mean-square norm: a warp a row, whose lanes sum every 32nd element.
#pragma once

#include "numbers.h"
#include "threads.h"

namespace r1::cuda {

/// Σ over a row of what `term` makes of each element and the sum so far.
template <class Term>
__device__ float sumOfRow(int64_t d, Term term) {
  float sum = 0;
  for (int64_t j = lane(); j < d; j += warpLanes) sum = term(j, sum);
  return overWarp<Sum>(sum);
}

__global__ inline void __launch_bounds__(blockThreads, 1)
    normalize(const float* x, const float* weight, const float* epsilon, float* y, float* r, int64_t m, int64_t d) {
  const int64_t row = globalWarp();
  if (row >= m) return;
  x += row * d, y += row * d;
  const float squares = sumOfRow(d, [&](int64_t j, float sum) { return fmaf(x[j], x[j], sum); });
  const float inverse = 1.f / sqrtf(squares / float(d) + *epsilon);
  if (r && lane() == 0) r[row] = inverse;
  for (int64_t j = lane(); j < d; j += warpLanes) y[j] = x[j] * inverse * weight[j];
}

__global__ inline void __launch_bounds__(blockThreads, 1)
    normalizeInputGradient(const float* g, const float* x, const float* weight, const float* r, const float* c, float* dx,
                           int64_t m, int64_t d) {
  const int64_t row = globalWarp();
  if (row >= m) return;
  g += row * d, x += row * d, dx += row * d;
  const float product = sumOfRow(d, [&](int64_t j, float sum) { return fmaf(g[j] * x[j], weight[j], sum); });
  const float inverse = r[row], slope = product * inverse * inverse * inverse / float(d);
  for (int64_t j = lane(); j < d; j += warpLanes) {
    const float own = fmaf(x[j], -slope, g[j] * weight[j] * inverse);
    dx[j] = c ? c[row * d + j] + own : own;
  }
}

/// Rows whose gradients one thread sums, of one column.
constexpr int64_t rowsOfPart = 64;

/// parts [⌈m/rowsOfPart⌉, d]: what each part of the rows gives
__global__ inline void __launch_bounds__(blockThreads, 1)
    normalizeWeightGradientParts(const float* g, const float* x, const float* r, float* parts, int64_t m, int64_t d) {
  const int64_t i = globalThread(), j = i % d, first = i / d * rowsOfPart;
  if (first >= m) return;
  const int64_t end = first + rowsOfPart < m ? first + rowsOfPart : m;
  float sum = 0;
  for (int64_t row = first; row < end; row++) sum = fmaf(g[row * d + j] * x[row * d + j], r[row], sum);
  parts[i] = sum;
}

/// y [d] += Σ parts, in ascending order
__global__ inline void __launch_bounds__(blockThreads, 1) addParts(const float* parts, float* y, int64_t count, int64_t d) {
  const int64_t j = globalThread();
  if (j >= d) return;
  float sum = y[j];
  for (int64_t part = 0; part < count; part++) sum += parts[part * d + j];
  y[j] = sum;
}

}  // namespace r1::cuda
