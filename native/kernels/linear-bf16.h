// Linear layers whose products are in bfloat16, on processors without instructions for them. The product of two such numbers has no
// error in float32, so that all are products in float32 of rounded factors.
#pragma once

#include "bfloat16.h"
#include "linear-gradient.h"
#include "linear-packed.h"
#include "linear.h"

namespace r1::R1_TARGET {

/// The upper halves of floats, two in a word.
struct BFloat16Weights : ProductsOfFloats {
  typedef uint16_t Element;
  static constexpr int perWord = 2;
  R1_INLINE float value(uint16_t weight) { return widened(weight); }
  R1_INLINE Float column(Float words, int which) {
    const Int bits = reinterpret_cast<Int>(words);
    return reinterpret_cast<Float>(which == 0 ? bits << 16 : bits & int32_t(0xffff0000));
  }
};

/// `count` numbers, rounded to bfloat16.
R1_INLINE void roundInto(float* to, const float* from, int64_t count) {
  int64_t i = 0;
  for (; i + W <= count; i += W) store(to + i, roundToBFloat16(load(from + i)));
  if (i < count) storeSome(to + i, roundToBFloat16(loadSome(from + i, count - i)), count - i);
}

void linearBf16(const float* x, const uint16_t* w, const float* c, float* y, int64_t m, int64_t n, int64_t k) {
  float* rounded = scratch<float>(Scratch::roundedRows, m * k);
  roundInto(rounded, x, m * k);
  linearOf<BFloat16Weights>(rounded, w, c, y, m, n, k);
}

/// Sixteen of the 32 rows of a panel of words, as a panel of floats.
R1_INLINE void widenPanel(float* to, const float* words, int64_t k) {
  for (int64_t p = 0; p < k; p += 2, words += PanelWords::columns) {
    for (int v = 0; v < panelWidth; v += W) {
      const Float both = load(words + v);
      store(to + p * panelWidth + v, BFloat16Weights::column(both, 0));
      store(to + (p + 1) * panelWidth + v, BFloat16Weights::column(both, 1));
    }
  }
}

void linearPackedBf16(const float* x, const uint16_t* panels, const float* c, float* y, int64_t m, int64_t n, int64_t k) {
  if (k == 0) return linearBf16(x, panels, c, y, m, n, k);
  float* rounded = scratch<float>(Scratch::roundedRows, m * k);
  roundInto(rounded, x, m * k);
  constexpr int width = Float32Weights::panels * panelWidth;
  static_assert(PanelWords::columns % width == 0, "a tile's panels are of one panel of words");
  float* wide = scratch<float>(Scratch::wideWeights, width * k);
  const auto panelAt = [=](int64_t j) __attribute__((always_inline)) {
    const int64_t part = j % PanelWords::columns;
    const float* words = reinterpret_cast<const float*>(panels + (j - part) * k) + part;
    for (int i = 0; i < width; i += panelWidth) widenPanel(wide + i * k, words + i, k);
    return wide;
  };
  linearOfPanels<Float32Weights>(rounded, panelAt, c, y, m, n, k);
}

/// Rows and columns of a factor that are rounded at a time: they stay in the second cache while they are used.
constexpr int64_t roundedRowBlock = 4 * rowBlock;

/// `count` numbers of bfloat16, widened.
R1_INLINE void widenInto(float* to, const uint16_t* from, int64_t count) {
  for (int64_t i = 0; i < count; i++) to[i] = widened(from[i]);
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
