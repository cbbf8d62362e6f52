// Gradients of a linear layer whose products are in bfloat16. The product of two such numbers has no error in float32, so both are the
// gradients in float32 of rounded factors, a block of them at a time.
#pragma once

#include "linear-gradient.h"
#include "linear.h"

namespace r1::R1_TARGET {

/// Rows and columns of a factor that are rounded at a time: they stay in the second cache while they are used.
constexpr int64_t roundedRowBlock = 4 * rowBlock;

/// `count` numbers, rounded to bfloat16.
R1_INLINE void roundInto(float* to, const float* from, int64_t count) {
  int64_t i = 0;
  for (; i + W <= count; i += W) store(to + i, roundToBFloat16(load(from + i)));
  if (i < count) storeSome(to + i, roundToBFloat16(loadSome(from + i, count - i)), count - i);
}

/// `count` numbers of bfloat16, widened.
R1_INLINE void widenInto(float* to, const uint16_t* from, int64_t count) {
  for (int64_t i = 0; i < count; i++) to[i] = BFloat16Weights::value(from[i]);
}

void linearInputGradientBf16(const float* g, const uint16_t* w, const float* c, float* dx, int64_t m, int64_t n,
                             int64_t k) {
  if (n == 0) return linearInputGradient(g, nullptr, c, dx, m, n, k);
  float* wide = scratch<float>(Scratch::wideWeights, depthBlock * k);
  for (int64_t first = 0; first < m; first += roundedRowBlock) {
    const int64_t rows = m - first < roundedRowBlock ? m - first : roundedRowBlock;
    float* rounded = scratch<float>(Scratch::roundedRows, rows * depthBlock);
    float* to = dx + first * k;
    for (int64_t p = 0; p < n; p += depthBlock) {
      const int64_t depth = n - p < depthBlock ? n - p : depthBlock;
      for (int64_t i = 0; i < rows; i++) roundInto(rounded + i * depth, g + (first + i) * n + p, depth);
      widenInto(wide, w + p * k, depth * k);
      linearInputGradient(rounded, wide, p > 0 ? to : c ? c + first * k : nullptr, to, rows, depth, k);
    }
  }
}

void linearWeightGradientBf16(const float* g, const float* x, float* dw, int64_t m, int64_t n, int64_t k) {
  for (int64_t p = 0; p < m; p += depthBlock) {
    const int64_t depth = m - p < depthBlock ? m - p : depthBlock;
    float* right = scratch<float>(Scratch::wideWeights, depth * k);
    roundInto(right, x + p * k, depth * k);
    for (int64_t first = 0; first < n; first += roundedRowBlock) {
      const int64_t columns = n - first < roundedRowBlock ? n - first : roundedRowBlock;
      float* left = scratch<float>(Scratch::roundedRows, depth * columns);
      for (int64_t r = 0; r < depth; r++) roundInto(left + r * columns, g + (p + r) * n + first, columns);
      linearWeightGradient(left, right, dw + first * k, depth, columns, k);
    }
  }
}

}  // namespace r1::R1_TARGET
