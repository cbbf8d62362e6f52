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

void linearPacked(const float* x, const float* panels, const float* c, float* y, int64_t m, int64_t n, int64_t k) {
  if (k == 0) return linear(x, panels, c, y, m, n, k);
  alignas(64) float sums[rowsOfBlock * panelWidth];
  const int64_t piece = pieceOf<Float32Weights>(k);
  for (int64_t i = 0; i < m; i += rowsOfBlock) {
    const int64_t rows = m - i < rowsOfBlock ? m - i : rowsOfBlock;
    for (int64_t j = 0; j < n; j += panelWidth) {
      for (int64_t p = 0; p < k; p += piece) {
        const int64_t depth = k - p < piece ? k - p : piece;
        const float* panel = panels + j * k + p * panelWidth;
        NextLines ahead{panel + depth * panelWidth};
        linearPiece<Float32Weights>(rows, x + i * k + p, k, panel, depth, p == 0, sums, c ? c + i * n + j : nullptr,
                                    p + depth == k ? y + i * n + j : nullptr, n, ahead, 8);
      }
    }
  }
}

}  // namespace r1::R1_TARGET
