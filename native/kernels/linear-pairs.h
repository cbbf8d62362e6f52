// Linear layers whose products are in bfloat16, by instructions that add two products of such numbers to a sum in float32: a word
// holds two neighbours along the sum, and is otherwise treated as a float is elsewhere. Of an odd number of terms the last stands
// beside a zero.
#pragma once

#include "linear-gradient.h"
#include "linear-packed.h"
#include "linear.h"

namespace r1::R1_TARGET {

/// A processor adds twice as many products as it does of floats, and loads no more: a tile has more columns and fewer rows.
struct ProductsOfPairs {
  static constexpr int rows = 12;
  static constexpr int panels = 1;
  static constexpr int columns = 32;
  R1_INLINE Float add(Float sum, float pair, Float column) {
    return _mm512_dpbf16_ps(sum, (__m512bh)_mm512_set1_ps(pair), (__m512bh)column);
  }
};

/// Rows of an even number of weights, two in a word.
struct PairsOfWeights : ProductsOfPairs {
  typedef float __attribute__((may_alias, aligned(2))) Element;
  static constexpr int perWord = 1;
  R1_INLINE float value(Element pair) { return pair; }
  R1_INLINE Float column(Float words, int) { return words; }
};

R1_INLINE int64_t pairsOf(int64_t count) { return (count + 1) / 2; }

/// The first `count` of 16, and zeros.
R1_INLINE __mmask16 firstOf(int64_t count) { return count >= 16 ? 0xffff : (1u << count) - 1; }

/// Sixteen numbers in bfloat16: as they are, or rounded to the nearest, ties to even.
R1_INLINE __m256i sixteen(const uint16_t* from, __mmask16 some) { return _mm256_maskz_loadu_epi16(some, from); }
R1_INLINE __m256i sixteen(const float* from, __mmask16 some) {
  return (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(some, from));
}

/// Words of what stands one above the other in two rows.
R1_INLINE Float paired(__m256i first, __m256i second) {
  const Int low = (Int)_mm512_maskz_cvtepu16_epi32(0xffff, first), high = (Int)_mm512_maskz_cvtepu16_epi32(0xffff, second);
  return (Float)(low | high << 16);
}

/// `count` numbers of a row, rounded, two in a word.
R1_INLINE void pairRow(const float* row, int64_t count, float* pairs) {
  for (int64_t i = 0; i < count; i += 16) {
    const int64_t words = pairsOf(count - i < 16 ? count - i : 16);
    _mm256_mask_storeu_ps(pairs + i / 2, __mmask8((1u << words) - 1), (__m256)sixteen(row + i, firstOf(count - i)));
  }
}

/// Two rows of `count` numbers as words; the second may be missing.
template <class Number>
R1_INLINE void pairRows(const Number* first, const Number* second, int64_t count, float* pairs) {
  for (int64_t i = 0; i < count; i += 16) {
    const __mmask16 some = firstOf(count - i);
    const __m256i below = second ? sixteen(second + i, some) : __m256i{};
    _mm512_mask_storeu_ps(pairs + i, some, paired(sixteen(first + i, some), below));
  }
}

/// The weights, or a copy of rows that have one more, 0, so that words begin with them.
R1_INLINE const PairsOfWeights::Element* evenRows(const uint16_t* w, int64_t n, int64_t k) {
  if (k % 2 == 0) return reinterpret_cast<const PairsOfWeights::Element*>(w);
  uint16_t* rows = scratch<uint16_t>(Scratch::wideWeights, n * (k + 1));
  for (int64_t j = 0; j < n; j++) {
    std::memcpy(rows + j * (k + 1), w + j * k, k * sizeof(uint16_t));
    rows[j * (k + 1) + k] = 0;
  }
  return reinterpret_cast<const PairsOfWeights::Element*>(rows);
}

void linearBf16(const float* x, const uint16_t* w, const float* c, float* y, int64_t m, int64_t n, int64_t k) {
  const int64_t words = pairsOf(k);
  float* pairs = scratch<float>(Scratch::roundedRows, m * words);
  for (int64_t i = 0; i < m; i++) pairRow(x + i * k, k, pairs + i * words);
  linearOf<PairsOfWeights>(pairs, evenRows(w, n, k), c, y, m, n, words);
}

void linearPackedBf16(const float* x, const uint16_t* panels, const float* c, float* y, int64_t m, int64_t n, int64_t k) {
  if (k == 0) return linearBf16(x, panels, c, y, m, n, k);
  const int64_t words = k / 2;
  float* pairs = scratch<float>(Scratch::roundedRows, m * words);
  pairRow(x, m * k, pairs);
  const auto panelAt = [=](int64_t j) __attribute__((always_inline)) { return reinterpret_cast<const float*>(panels + j * k); };
  linearOfPanels<PairsOfWeights>(pairs, panelAt, c, y, m, n, words);
}

/// Terms of a sum that are added before the next rows are looked at, in words, and rows whose words stay in the second cache.
constexpr int64_t wordsOfBlock = 128;
constexpr int64_t pairedRowBlock = 32 * ProductsOfPairs::rows;

struct NothingAhead {
  R1_INLINE void bring(int64_t) {}
};

/// to (+)= left·panel for the words of a block, of up to 32 columns. Where `from` is missing the sums begin with 0.
template <class TileAt>
R1_INLINE void addPairedPanel(int64_t rows, TileAt tileAt, const float* panel, int64_t words, int64_t columns, const float* from,
                              float* to, int64_t stride) {
  constexpr int width = ProductsOfPairs::columns;
  NothingAhead ahead;
  for (int64_t i = 0; i < rows; i += ProductsOfPairs::rows) {
    const int64_t count = rows - i < ProductsOfPairs::rows ? rows - i : ProductsOfPairs::rows;
    const float* sums = from ? from + i * stride : nullptr;
    float* tile = to + i * stride;
    if (columns >= width) {
      linearTileOf<ProductsOfPairs, 1>(count, tileAt(i), Panels{panel, 0}, words, Sums{sums, stride}, nullptr, tile, stride, ahead, 0);
      continue;
    }
    float whole[ProductsOfPairs::rows * width] = {};
    for (int64_t r = 0; sums && r < count; r++) std::memcpy(whole + r * width, sums + r * stride, columns * sizeof(float));
    linearTileOf<ProductsOfPairs, 1>(count, tileAt(i), Panels{panel, 0}, words, Sums{whole, width}, nullptr, whole, width, ahead, 0);
    for (int64_t r = 0; r < count; r++) std::memcpy(tile + r * stride, whole + r * width, columns * sizeof(float));
  }
}

/// to = from + left·right, with the right factor [depth, columns] in numbers of either kind, whose rows are paired.
///
/// @param pairLeft (row, rows, term, terms) pairs a block of the left factor, and gives what tells where a tile of it lies
/// @param from may be missing, and may be `to`
template <class Number, class PairLeft>
R1_INLINE void addPairedProduct(PairLeft pairLeft, const Number* right, const float* from, float* to, int64_t rows, int64_t depth,
                                int64_t columns) {
  constexpr int width = ProductsOfPairs::columns;
  const int64_t panels = (columns + width - 1) / width;
  float* panel = scratch<float>(Scratch::wideWeights, panels * width * wordsOfBlock);
  for (int64_t p = 0; p < depth; p += 2 * wordsOfBlock) {
    const int64_t terms = depth - p < 2 * wordsOfBlock ? depth - p : 2 * wordsOfBlock, words = pairsOf(terms);
    for (int64_t r = 0; r < words; r++) {
      const Number* row = right + (p + 2 * r) * columns;
      const Number* below = 2 * r + 1 < terms ? row + columns : nullptr;
      for (int64_t j = 0; j < columns; j += width) {
        const int64_t some = columns - j < width ? columns - j : width;
        pairRows(row + j, below ? below + j : nullptr, some, panel + (j * words + r * width));
      }
    }
    for (int64_t first = 0; first < rows; first += pairedRowBlock) {
      const int64_t block = rows - first < pairedRowBlock ? rows - first : pairedRowBlock;
      const auto tileAt = pairLeft(first, block, p, terms);
      const float* sums = p > 0 ? to : from;
      for (int64_t j = 0; j < columns; j += width) {
        const int64_t at = first * columns + j;
        addPairedPanel(block, tileAt, panel + j * words, words, columns - j, sums ? sums + at : nullptr, to + at, columns);
      }
    }
  }
}

void linearInputGradientBf16(const float* g, const uint16_t* w, const float* c, float* dx, int64_t m, int64_t n, int64_t k) {
  if (n == 0) return linearInputGradient(g, nullptr, c, dx, m, n, k);
  float* left = scratch<float>(Scratch::roundedRows, pairedRowBlock * wordsOfBlock);
  const auto pairLeft = [&](int64_t first, int64_t rows, int64_t p, int64_t terms) {
    const int64_t words = pairsOf(terms);
    for (int64_t i = 0; i < rows; i++) pairRow(g + (first + i) * n + p, terms, left + i * words);
    return [=](int64_t i) __attribute__((always_inline)) { return Strided{left + i * words, words, 1}; };
  };
  addPairedProduct(pairLeft, w, c, dx, m, n, k);
}

void linearWeightGradientBf16(const float* g, const float* x, float* dw, int64_t m, int64_t n, int64_t k) {
  float* left = scratch<float>(Scratch::roundedRows, pairedRowBlock * wordsOfBlock);
  const auto pairLeft = [&](int64_t first, int64_t rows, int64_t p, int64_t terms) {
    const int64_t words = pairsOf(terms);
    constexpr int tileRows = ProductsOfPairs::rows;
    for (int64_t i = 0; i < rows; i += tileRows) {  // the columns of g that a tile reads, side by side
      for (int64_t r = 0; r < words; r++) {
        const float* row = g + (p + 2 * r) * n + first + i;
        pairRows(row, 2 * r + 1 < terms ? row + n : nullptr, rows - i < tileRows ? rows - i : tileRows,
                 left + i * words + r * tileRows);
      }
    }
    return [=](int64_t i) __attribute__((always_inline)) { return Strided{left + i * words, 1, tileRows}; };
  };
  addPairedProduct(pairLeft, x, dw, dw, n, m, k);
}

}  // namespace r1::R1_TARGET
