// Linear layers whose weights lie in panels, as they do while many tokens are generated with the same ones: packed once instead of
// in every call, and read from memory in one line.
#pragma once

#include "linear.h"

namespace r1::R1_TARGET {

/// Lines that lie one behind the other, in each of P panels.
template <int P>
struct NextLines {
  Panels next;

  inline __attribute__((always_inline)) void bring(int64_t lines) {
    for (; lines > 0; lines -= P, next.first += 16) {
      R1_UNROLL for (int i = 0; i < P; i++) __builtin_prefetch(next.first + i * next.stride, 0, 2);
    }
  }
};

void linearPanels(const float* w, float* panels, int64_t n, int64_t k) {
  for (int64_t j = 0; j < n; j += panelWidth) packWeights<Float32Weights>(w + j * k, k, panelWidth, k, panels + j * k);
}

/// At most rowsOfBlock rows of x with P panels, whose columns are k elements each.
template <class Weights, int P>
R1_INLINE void linearOfTogether(int64_t rows, const float* x, const float* first, const float* c, float* y, int64_t n, int64_t k) {
  constexpr int width = Weights::columns;
  alignas(64) float sums[rowsOfBlock * P * width];
  const int64_t piece = pieceOf<Weights>(k), stride = width * k;
  for (int64_t p = 0; p < k; p += piece) {
    const int64_t depth = k - p < piece ? k - p : piece;
    const bool last = p + depth == k;
    NextLines<P> ahead{{last ? first + P * stride : first + (p + depth) * width, stride}};
    linearPiece<Weights, P>(rows, x + p, k, Panels{first + p * width, stride}, depth, p == 0, sums, c, last ? y : nullptr, n, ahead,
                            8 * P * width / 16);
  }
}

/// Products with panels, of which panelAt(j) is the one that begins with row j of the weights; the next ones of a tile lie behind it.
template <class Weights, class PanelAt>
R1_INLINE void linearOfPanels(const float* x, PanelAt panelAt, const float* c, float* y, int64_t m, int64_t n, int64_t k) {
  constexpr int width = Weights::columns, together = Weights::panels * width;
  for (int64_t i = 0; i < m; i += rowsOfBlock) {
    const int64_t rows = m - i < rowsOfBlock ? m - i : rowsOfBlock;
    const auto addend = [&](int64_t j) { return c ? c + i * n + j : nullptr; };
    int64_t j = 0;
    for (; j + together <= n; j += together) {
      linearOfTogether<Weights, Weights::panels>(rows, x + i * k, panelAt(j), addend(j), y + i * n + j, n, k);
    }
    for (; j < n; j += width) linearOfTogether<Weights, 1>(rows, x + i * k, panelAt(j), addend(j), y + i * n + j, n, k);
  }
}

void linearPacked(const float* x, const float* panels, const float* c, float* y, int64_t m, int64_t n, int64_t k) {
  if (k == 0) return linear(x, panels, c, y, m, n, k);
  const auto panelAt = [=](int64_t j) __attribute__((always_inline)) { return panels + j * k; };
  linearOfPanels<Float32Weights>(x, panelAt, c, y, m, n, k);
}

/// Two numbers of bfloat16 in a word, which is moved as it is, in panels of 32 rows on every target.
struct PanelWords {
  typedef float __attribute__((may_alias, aligned(2))) Element;
  static constexpr int columns = 32;
  static constexpr int perWord = 1;
  R1_INLINE float value(Element word) { return word; }
  R1_INLINE Float column(Float words, int) { return words; }
};

void linearPanelsBf16(const uint16_t* w, uint16_t* panels, int64_t n, int64_t k) {
  for (int64_t j = 0; j < n; j += PanelWords::columns) {
    const auto* rows = reinterpret_cast<const PanelWords::Element*>(w + j * k);
    packWeights<PanelWords>(rows, k / 2, PanelWords::columns, k / 2, reinterpret_cast<float*>(panels + j * k));
  }
}

}  // namespace r1::R1_TARGET
