// Products as sums of outer products: c[i, j] (+)= Σ_p a[i, p]·b[p, j], j in a panel of 16 columns. An element's sum runs
// over p in ascending order, whatever the tile. b may be in bfloat16, which is widened as it is loaded.
#pragma once

#include "bfloat16.h"

namespace r1::R1_TARGET {

/// Columns of a panel.
constexpr int panelWidth = 16;

/// Rows of a tile: with the panel's 16 columns and their accumulators they fill the registers.
#if R1_WIDTH == 16
constexpr int tileRows = 14;
#elif R1_WIDTH == 8 || defined(__ARM_NEON)
constexpr int tileRows = 6;
#else
constexpr int tileRows = 2;
#endif

/// A matrix whose element [i, p] lies at data[i·row + p·step].
struct Strided {
  const float* data;
  int64_t row;
  int64_t step;
};

/// acc[i] += a[i, p]·b[p] for one p.
template <int MR, class Element>
R1_INLINE void addOuterProduct(Strided a, const Element* b, int64_t p, Float (&acc)[MR][panelWidth / W]) {
  Float column[panelWidth / W];
  R1_UNROLL for (int v = 0; v < panelWidth / W; v++) column[v] = load(b + v * W);
  R1_UNROLL for (int i = 0; i < MR; i++) {
    const Float factor = splat(a.data[i * a.row + p * a.step]);
    R1_UNROLL for (int v = 0; v < panelWidth / W; v++) acc[i][v] = fma(factor, column[v], acc[i][v]);
  }
}

template <int MR, bool Add, class Element>
R1_INLINE void outerTile(Strided a, const Element* b, int64_t bStride, float* c, int64_t cStride, int64_t count) {
  constexpr int vectors = panelWidth / W;
  Float acc[MR][vectors] = {};
  if constexpr (Add) {
    R1_UNROLL for (int i = 0; i < MR; i++) {
      R1_UNROLL for (int v = 0; v < vectors; v++) acc[i][v] = load(c + i * cStride + v * W);
    }
  }
  for (int64_t p = 0; p < count; p++) addOuterProduct(a, b + p * bStride, p, acc);
  R1_UNROLL for (int i = 0; i < MR; i++) {
    R1_UNROLL for (int v = 0; v < vectors; v++) store(c + i * cStride + v * W, acc[i][v]);
  }
}

/// The same for fewer than `Most` rows.
template <int Most, bool Add, class Element>
R1_INLINE void outerRest(int64_t rows, Strided a, const Element* b, int64_t bStride, float* c, int64_t cStride,
                         int64_t count) {
  if constexpr (Most > 1) {
    if (rows == Most - 1) return outerTile<Most - 1, Add>(a, b, bStride, c, cStride, count);
    outerRest<Most - 1, Add>(rows, a, b, bStride, c, cStride, count);
  }
}

/// c (+)= a·b for any number of rows and one panel. Row p of b begins at b + p·bStride.
template <bool Add, class Element>
static void outerPanel(int64_t rows, Strided a, const Element* b, int64_t bStride, float* c, int64_t cStride,
                       int64_t count) {
  int64_t i = 0;
  for (; i + tileRows <= rows; i += tileRows) {
    outerTile<tileRows, Add>({a.data + i * a.row, a.row, a.step}, b, bStride, c + i * cStride, cStride, count);
  }
  outerRest<tileRows, Add>(rows - i, {a.data + i * a.row, a.row, a.step}, b, bStride, c + i * cStride, cStride, count);
}

/// c = a·b where row i of a has counts[i] elements, in ascending order; none after them is read.
static void outerTriangle(int64_t rows, const int64_t* counts, Strided a, const float* b, int64_t bStride, float* c,
                          int64_t cStride) {
  for (int64_t i = 0; i < rows; i += tileRows) {
    const int64_t tile = rows - i < tileRows ? rows - i : tileRows;
    const int64_t common = counts[i];
    outerPanel<false>(tile, {a.data + i * a.row, a.row, a.step}, b, bStride, c + i * cStride, cStride, common);
    for (int64_t r = i, same = 0; r < i + tile; r += same) {
      for (same = 1; r + same < i + tile && counts[r + same] == counts[r];) same++;
      if (counts[r] == common) continue;
      const Strided rest{a.data + r * a.row + common * a.step, a.row, a.step};
      outerPanel<true>(same, rest, b + common * bStride, bStride, c + r * cStride, cStride, counts[r] - common);
    }
  }
}

}  // namespace r1::R1_TARGET
