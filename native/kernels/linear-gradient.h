// Gradients of a linear layer. Both are sums of outer products; the right factor is packed once for all rows, in panels of 16
// columns, and each panel is read by all rows of a block whose left factor stays in the second cache.
#pragma once

#include "linear.h"

namespace r1::R1_TARGET {

/// Terms of a sum that are added before the next are looked at.
constexpr int64_t depthBlock = 256;
constexpr int64_t rowBlock = 192 / ProductsOfFloats::rows * ProductsOfFloats::rows;
/// Rows that take all their terms before the next rows do: their sums stay near, and there are enough rows to pack for.
constexpr int64_t rowsAtATime = 3 * rowBlock;

/// Floats between the beginnings of two panels: one line more than they have, or else what is written to all panels at the same time,
/// a row of the right factor, would want the same lines of the first cache.
constexpr int64_t panelStride(int64_t depth) { return (depth + 1) * panelWidth; }

/// Rows of b as panels of 16 columns; what is missing of the last is 0.
R1_INLINE void packPanels(const float* b, int64_t columns, int64_t depth, float* panels) {
  for (int64_t p = 0; p < depth; p++) {
    const float* row = b + p * columns;
    float* to = panels + p * panelWidth;
    int64_t j = 0;
    for (; j + panelWidth <= columns; j += panelWidth, to += panelStride(depth)) {
      R1_UNROLL for (int v = 0; v < panelWidth; v += W) store(to + v, load(row + j + v));
    }
    for (int64_t rest = 0; j < columns && rest < panelWidth; rest++) to[rest] = j + rest < columns ? row[j + rest] : 0;
  }
}

/// What a tile's work is to bring nearer from memory: of the next panel its share, and the sums of the next tile.
struct NextTile {
  const float* panel;
  const float* sums;
  int64_t stride;
  int64_t rows;

  inline __attribute__((always_inline)) void bring(int64_t lines) {
    for (; lines > 0; lines--, panel += panelWidth) __builtin_prefetch(panel, 0, 2);
    if (rows <= 0) return;
    __builtin_prefetch(sums, 1, 3);
    sums += stride;
    rows--;
  }
};

/// A tile of fewer than 16 columns, by way of a whole one.
R1_INLINE void narrowTile(int64_t rows, Strided left, const float* panel, int64_t depth, int64_t columns, const float* from,
                          float* to, int64_t stride) {
  float whole[tileRows * panelWidth] = {};
  const size_t bytes = size_t(columns) * sizeof(float);
  for (int64_t r = 0; from && r < rows; r++) std::memcpy(whole + r * panelWidth, from + r * stride, bytes);
  outerPanel<true>(rows, left, panel, panelWidth, whole, panelWidth, depth);
  for (int64_t r = 0; r < rows; r++) std::memcpy(to + r * stride, whole + r * panelWidth, bytes);
}

/// The columns of P panels, or fewer of one, of a block of rows: to = from + left·panels.
template <int P, class TileAt>
R1_INLINE void addPanels(int64_t rows, TileAt tileAt, Panels panels, int64_t terms, int64_t columns, const float* from, float* to,
                         int64_t stride) {
  constexpr int most = ProductsOfFloats::rows;
  const int64_t tiles = (rows + most - 1) / most, lines = (8 * P + tiles - 1) / tiles;
  for (int64_t i = 0; i < rows; i += most) {
    const int64_t left = rows - i, count = left < most ? left : most, following = left - count;
    const float* begun = from ? from + i * stride : nullptr;
    float* tile = to + i * stride;
    if (columns < panelWidth) {
      narrowTile(count, tileAt(i), panels.first, terms, columns, begun, tile, stride);
      continue;
    }
    NextTile ahead{panels.first + P * panels.stride + i / most * (terms / 8) * lines * panelWidth, (begun ? begun : tile) + most * stride,
                   stride, following < most ? following : most};
    linearTileOf<ProductsOfFloats, P>(count, tileAt(i), panels, terms, Sums{begun, stride}, nullptr, tile, stride, ahead, lines);
  }
}

/// to = from + left·right, whose rows have `columns`.
///
/// @param packLeft (row, rows, term, terms) copies a block of the left factor, and gives what tells where a tile of it lies
/// @param from may be missing, and may be `to`
template <class PackLeft>
R1_INLINE void addProduct(PackLeft packLeft, const float* right, const float* from, float* to, int64_t rows, int64_t depth,
                          int64_t columns) {
  const int64_t panelCount = (columns + panelWidth - 1) / panelWidth;
  float* panels = scratch<float>(Scratch::panels, panelCount * panelStride(depthBlock));
  for (int64_t start = 0; start < rows; start += rowsAtATime) {
    const int64_t end = rows - start < rowsAtATime ? rows : start + rowsAtATime;
    for (int64_t p = 0; p < depth; p += depthBlock) {
      const int64_t terms = depth - p < depthBlock ? depth - p : depthBlock;
      const float* sums = p > 0 ? to : from;
      packPanels(right + p * columns, columns, terms, panels);
      for (int64_t first = start; first < end; first += rowBlock) {
        const int64_t block = end - first < rowBlock ? end - first : rowBlock;
        const auto tileAt = packLeft(first, block, p, terms);
        for (int64_t j = 0; j < columns;) {
          const Panels at{panels + j / panelWidth * panelStride(terms), panelStride(terms)};
          const float* begun = sums ? sums + first * columns + j : nullptr;
          float* sum = to + first * columns + j;
          constexpr int together = ProductsOfFloats::panels;
          if (j + together * panelWidth <= columns) {
            addPanels<together>(block, tileAt, at, terms, columns - j, begun, sum, columns);
            j += together * panelWidth;
          } else {
            addPanels<1>(block, tileAt, at, terms, columns - j, begun, sum, columns);
            j += panelWidth;
          }
        }
      }
    }
  }
}

void linearInputGradient(const float* g, const float* w, const float* c, float* dx, int64_t m, int64_t n, int64_t k) {
  if (n == 0) {
    if (!c) std::memset(dx, 0, size_t(m * k) * sizeof(float));
    else if (c != dx) std::memcpy(dx, c, size_t(m * k) * sizeof(float));
    return;
  }
  float* left = scratch<float>(Scratch::weights, rowBlock * depthBlock);
  const auto packLeft = [&](int64_t first, int64_t rows, int64_t p, int64_t terms) __attribute__((always_inline)) {
    for (int64_t i = 0; i < rows; i++) {
      std::memcpy(left + i * terms, g + (first + i) * n + p, size_t(terms) * sizeof(float));
    }
    return [=](int64_t i) __attribute__((always_inline)) { return Strided{left + i * terms, terms, 1}; };
  };
  addProduct(packLeft, w, c, dx, m, n, k);
}

void linearWeightGradient(const float* g, const float* x, float* dw, int64_t m, int64_t n, int64_t k) {
  float* left = scratch<float>(Scratch::weights, rowBlock * depthBlock);
  const auto packLeft = [&](int64_t first, int64_t rows, int64_t p, int64_t terms) __attribute__((always_inline)) {
    constexpr int most = ProductsOfFloats::rows;
    for (int64_t i = 0; i < rows; i += most) {  // the columns of g that a tile reads, side by side
      const int64_t tile = rows - i < most ? rows - i : most;
      for (int64_t r = 0; r < terms; r++) {
        std::memcpy(left + i * terms + r * most, g + (p + r) * n + first + i, size_t(tile) * sizeof(float));
      }
    }
    return [=](int64_t i) __attribute__((always_inline)) { return Strided{left + i * terms, 1, most}; };
  };
  addProduct(packLeft, x, dw, dw, n, m, k);
}

}  // namespace r1::R1_TARGET
