// A thread an element: rounding, gates, rotations, biases.
#pragma once

#include "numbers.h"
#include "threads.h"

namespace r1::cuda {

__global__ inline void __launch_bounds__(blockThreads, 1) roundAll(const float* x, float* y, int64_t n) {
  const int64_t i = globalThread();
  if (i < n) y[i] = rounded(x[i]);
}

__global__ inline void __launch_bounds__(blockThreads, 1) gate(const float* gate, const float* up, float* y, int64_t n) {
  const int64_t i = globalThread();
  if (i < n) y[i] = gate[i] * sigmoid(gate[i]) * up[i];
}

__global__ inline void __launch_bounds__(blockThreads, 1)
    gateGradient(const float* gate, const float* up, const float* g, float* dgate, float* dup, int64_t n) {
  const int64_t i = globalThread();
  if (i >= n) return;
  const float x = gate[i], s = sigmoid(x), gs = g[i] * s, u = up[i];
  dgate[i] = gs * u * fmaf(x, 1.f - s, 1.f);
  dup[i] = gs * x;
}

/// A thread for a pair of the halves of a head.
__global__ inline void __launch_bounds__(blockThreads, 1)
    rotate(const float* x, const int64_t* positions, const float* cos, const float* sin, float direction, float* y, int64_t m,
           int64_t heads, int64_t headDim) {
  const int64_t i = globalThread(), half = headDim / 2;
  if (i >= m * heads * half) return;
  const int64_t d = i % half, head = i / half, angle = positions[head / heads] * half + d, at = head * headDim + d;
  const float a = x[at], b = x[at + half], c = cos[angle], s = sin[angle] * direction;
  y[at] = fmaf(a, c, -(b * s));
  y[at + half] = fmaf(b, c, a * s);
}

__global__ inline void __launch_bounds__(blockThreads, 1) addToRows(float* y, const float* bias, int64_t m, int64_t n) {
  const int64_t i = globalThread();
  if (i < m * n) y[i] += bias[i % n];
}

}  // namespace r1::cuda
