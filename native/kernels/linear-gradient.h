// Gradients of a linear layer. Both are sums of outer products; the right factor is packed, a panel of 16 columns at a time,
// and read by all rows of a block whose left factor stays in the second cache.
#pragma once

#include "outer.h"
#include "scratch.h"

namespace r1::R1_TARGET {

/// Terms of a sum that are added before the next rows or columns are looked at.
constexpr int64_t depthBlock = 256;
constexpr int64_t rowBlock = 192 / tileRows * tileRows;

/// Columns j … of `count` rows of b, packed; what is missing of 16 is 0.
R1_INLINE void packPanel(const float* b, int64_t bStride, int64_t columns, int64_t count, float* panel) {
  for (int64_t p = 0; p < count; p++) {
    if (columns >= 16) {
      for (int v = 0; v < 16; v += W) store(panel + p * 16 + v, load(b + p * bStride + v));
    } else {
      for (int64_t j = 0; j < 16; j++) panel[p * 16 + j] = j < columns ? b[p * bStride + j] : 0;
    }
  }
}

/// c (+)= a·b for one block: `depth` terms, whose left factors of the tile at row i are at tileAt(i). b and c have `columns`.
template <bool Add, class TileAt>
R1_INLINE void addBlock(int64_t rows, TileAt tileAt, const float* b, int64_t bStride, int64_t columns, int64_t depth,
                        float* c, int64_t cStride) {
  alignas(64) float panel[depthBlock * 16];
  for (int64_t j = 0; j < columns; j += 16) {
    packPanel(b + j, bStride, columns - j, depth, panel);
    int64_t i = 0;
    if (columns - j >= 16) {
      for (; i + tileRows <= rows; i += tileRows) {
        outerTile<tileRows, Add>(tileAt(i), panel, 16, c + i * cStride + j, cStride, depth);
      }
      if (i < rows) outerPanel<Add>(rows - i, tileAt(i), panel, 16, c + i * cStride + j, cStride, depth);
      continue;
    }
    for (; i < rows; i += tileRows) {  // the last columns of c, by way of a whole panel
      float whole[tileRows * 16] = {};
      const int64_t tile = rows - i < tileRows ? rows - i : tileRows;
      const size_t bytes = size_t(columns - j) * sizeof(float);
      for (int64_t r = 0; Add && r < tile; r++) std::memcpy(whole + r * 16, c + (i + r) * cStride + j, bytes);
      outerPanel<Add>(tile, tileAt(i), panel, 16, whole, 16, depth);
      for (int64_t r = 0; r < tile; r++) std::memcpy(c + (i + r) * cStride + j, whole + r * 16, bytes);
    }
  }
}

void linearInputGradient(const float* g, const float* w, const float* c, float* dx, int64_t m, int64_t n, int64_t k) {
  if (c && c != dx) std::memcpy(dx, c, size_t(m * k) * sizeof(float));
  if (!c && n == 0) std::memset(dx, 0, size_t(m * k) * sizeof(float));
  for (int64_t first = 0; first < m; first += rowBlock) {
    const int64_t rows = m - first < rowBlock ? m - first : rowBlock;
    for (int64_t p = 0; p < n; p += depthBlock) {
      const int64_t depth = n - p < depthBlock ? n - p : depthBlock;
      const auto tileAt = [&](int64_t i) __attribute__((always_inline)) {
        return Strided{g + (first + i) * n + p, n, 1};
      };
      if (c || p > 0) {
        addBlock<true>(rows, tileAt, w + p * k, k, k, depth, dx + first * k, k);
      } else {
        addBlock<false>(rows, tileAt, w + p * k, k, k, depth, dx + first * k, k);
      }
    }
  }
}

void linearWeightGradient(const float* g, const float* x, float* dw, int64_t m, int64_t n, int64_t k) {
  float* packed = scratch<float>(Scratch::weights, depthBlock * rowBlock);
  for (int64_t p = 0; p < m; p += depthBlock) {
    const int64_t depth = m - p < depthBlock ? m - p : depthBlock;
    for (int64_t first = 0; first < n; first += rowBlock) {
      const int64_t rows = n - first < rowBlock ? n - first : rowBlock;
      for (int64_t i = 0; i < rows; i += tileRows) {  // the columns of g that a tile reads, side by side
        const int64_t tile = rows - i < tileRows ? rows - i : tileRows;
        for (int64_t r = 0; r < depth; r++) {
          std::memcpy(packed + i * depth + r * tileRows, g + (p + r) * n + first + i, size_t(tile) * sizeof(float));
        }
      }
      const auto tileAt = [&](int64_t i) __attribute__((always_inline)) {
        return Strided{packed + i * depth, 1, tileRows};
      };
      addBlock<true>(rows, tileAt, x + p * k, k, k, depth, dw + first * k, k);
    }
  }
}

}  // namespace r1::R1_TARGET
