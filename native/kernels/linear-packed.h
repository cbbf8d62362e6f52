// Linear layers whose weights lie in panels, as they do while many tokens are generated with the same ones: packed once instead of
// in every call, and read from memory in one line.
#pragma once

#include "linear.h"

namespace r1::R1_TARGET {

/// Lines that lie one behind the other.
struct NextLines {
  const float* next;

  inline __attribute__((always_inline)) void bring(int64_t lines) {
    for (; lines > 0; lines--, next += 16) __builtin_prefetch(next, 0, 2);
  }
};

void linearPanels(const float* w, float* panels, int64_t n, int64_t k) {
  for (int64_t j = 0; j < n; j += panelWidth) packWeights<Float32Weights>(w + j * k, k, panelWidth, k, panels + j * k);
}

/// Products with panels, of which panelAt(j) is the one that begins with row j of the weights.
template <class Weights, class PanelAt>
R1_INLINE void linearOfPanels(const float* x, PanelAt panelAt, const float* c, float* y, int64_t m, int64_t n, int64_t k) {
  constexpr int width = Weights::columns;
  alignas(64) float sums[rowsOfBlock * width];
  const int64_t piece = pieceOf<Weights>(k);
  for (int64_t i = 0; i < m; i += rowsOfBlock) {
    const int64_t rows = m - i < rowsOfBlock ? m - i : rowsOfBlock;
    for (int64_t j = 0; j < n; j += width) {
      const float* panels = panelAt(j);
      for (int64_t p = 0; p < k; p += piece) {
        const int64_t depth = k - p < piece ? k - p : piece;
        const float* panel = panels + p * width;
        NextLines ahead{panel + depth * width};
        linearPiece<Weights>(rows, x + i * k + p, k, panel, depth, p == 0, sums, c ? c + i * n + j : nullptr,
                             p + depth == k ? y + i * n + j : nullptr, n, ahead, 8 * width / 16);
      }
    }
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
