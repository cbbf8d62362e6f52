// Products of rows with rows: y[i, j] = x[i]·w[j]. Sixteen rows of w at a time become the columns of a panel, so that a tile
// is a sum of outer products; a few rows of x take the columns from the registers, and memory sets their pace.
//
// An element's sum runs over k in ascending order, whatever the tile; c is added to the sum.
#pragma once

#include "outer.h"
#include "scratch.h"
#include "vector.h"

namespace r1::R1_TARGET {

/// Weights as words of 32 bits: what lies in a word, and which columns come of a word of each row.
struct Float32Weights {
  typedef float Element;
  static constexpr int perWord = 1;
  R1_INLINE float value(float weight) { return weight; }
  R1_INLINE Float column(Float words, int) { return words; }
};

/// The upper halves of floats, two in a word.
struct BFloat16Weights {
  typedef uint16_t Element;
  static constexpr int perWord = 2;
  R1_INLINE float value(uint16_t weight) {
    const uint32_t bits = uint32_t(weight) << 16;
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }
  R1_INLINE Float column(Float words, int which) {
    const Int bits = reinterpret_cast<Int>(words);
    return reinterpret_cast<Float>(which == 0 ? bits << 16 : bits & int32_t(0xffff0000));
  }
};

/// x rounded to bfloat16, to the nearest, ties to even; not a number stays so.
R1_INLINE Float roundToBFloat16(Float x) {
  const Int bits = reinterpret_cast<Int>(x);
  const Int rounded = (bits + 0x7fff + (bits >> 16 & 1)) & int32_t(0xffff0000);
  return x == x ? reinterpret_cast<Float>(rounded) : x;
}

/// Columns that are made at a time.
template <class Weights>
constexpr int columnsAtATime = 4 * Weights::perWord;

/// Weights in a line of the cache.
template <class Weights>
constexpr int64_t lineLength = 64 / sizeof(typename Weights::Element);

/// How much further along its row a weight is that comes from memory while another is used. Eight rows that lie a power of
/// two apart fill a set of the first cache, into which many processors fetch whatever they are told to: they would displace
/// each other if all of them were asked for at the place in use. What is asked for past a row's end is the next row's start.
template <class Weights>
constexpr int64_t headStart = 16 * lineLength<Weights>;

/// Calls use(q, column) with column q of W rows, for the next columns.
template <class Weights, class Use>
R1_INLINE void eachColumn(const typename Weights::Element* w, int64_t stride, Use use) {
  Float words[4];
  R1_UNROLL for (int r = 0; r < 4; r++) {
    const auto wordsOfRow = [&](int group) __attribute__((always_inline)) {
      Float4 four;
      std::memcpy(&four, w + (4 * group + r) * stride, sizeof four);
      return four;
    };
    words[r] = joined(wordsOfRow);
  }
  transpose(words[0], words[1], words[2], words[3]);
  R1_UNROLL for (int q = 0; q < columnsAtATime<Weights>; q++) {
    use(q, Weights::column(words[q / Weights::perWord], q % Weights::perWord));
  }
}

/// A column of `rows` rows.
template <class Weights>
R1_INLINE void oneColumn(const typename Weights::Element* w, int64_t stride, int64_t rows, float* column) {
  for (int64_t r = 0; r < rows; r++) column[r] = Weights::value(w[r * stride]);
}

/// Rows of w as a panel: element p of all of them side by side.
template <class Weights>
R1_INLINE void packWeights(const typename Weights::Element* w, int64_t stride, int64_t rows, int64_t depth, float* panel) {
  const int64_t whole = rows < panelWidth ? 0 : depth / columnsAtATime<Weights> * columnsAtATime<Weights>;
  for (int v = 0; v < panelWidth; v += W) {
    for (int64_t p = 0; p < whole; p += columnsAtATime<Weights>) {
      eachColumn<Weights>(w + v * stride + p, stride, [&](int q, Float column) __attribute__((always_inline)) {
        store(panel + (p + q) * panelWidth + v, column);
      });
    }
  }
  for (int64_t p = whole; p < depth; p++) {
    oneColumn<Weights>(w + p, stride, rows, panel + p * panelWidth);
    for (int64_t r = rows; r < panelWidth; r++) panel[p * panelWidth + r] = 0;
  }
}

/// MR rows of x, whose elements p lie side by side, with W rows of w: y = x·wᵀ + c. The next rows of w come nearer meanwhile,
/// all at the same time, since memory is fastest with several streams; with sixteen it is slow again.
template <class Weights, int MR>
static void linearOfFewRows(const float* x, const typename Weights::Element* w, int64_t k, const float* c, float* y,
                            int64_t yStride) {
  constexpr int64_t line = lineLength<Weights>;
  Float acc[MR] = {};
  int64_t p = 0;
  for (; p + line <= k; p += line) {
    R1_UNROLL for (int r = W; r < 2 * W; r++) __builtin_prefetch(w + r * k + p + headStart<Weights>, 0, 2);
    for (int64_t l = p; l < p + line; l += columnsAtATime<Weights>) {
      eachColumn<Weights>(w + l, k, [&](int q, Float column) __attribute__((always_inline)) {
        R1_UNROLL for (int i = 0; i < MR; i++) acc[i] = fma(splat(x[(l + q) * MR + i]), column, acc[i]);
      });
    }
  }
  for (; p < k; p++) {
    float column[W];
    oneColumn<Weights>(w + p, k, W, column);
    R1_UNROLL for (int i = 0; i < MR; i++) acc[i] = fma(splat(x[p * MR + i]), load(column), acc[i]);
  }
  R1_UNROLL for (int i = 0; i < MR; i++) {
    store(y + i * yStride, c ? acc[i] + load(c + i * yStride) : acc[i]);
  }
}

/// The lines of 16 rows of `count` elements, which are to come nearer from memory in the order in which they are packed.
template <class Weights>
struct Ahead {
  const typename Weights::Element* w;
  int64_t stride;
  int64_t count;
  int64_t row = 0;
  int64_t column = 0;

  inline __attribute__((always_inline)) void bring(int64_t lines) {
    for (; lines > 0 && row < panelWidth; lines--) {
      __builtin_prefetch(w + row++ * stride + column + headStart<Weights>, 0, 2);
      if (row % W > 0) continue;
      column += lineLength<Weights>;
      if (column < count) row -= W;
      else column = 0;
    }
  }
};

/// MR rows of x with a panel: to = from + x·panel + c. The sums so far are rows of 16; `from` and `c` may be missing.
template <int MR, class Ahead>
R1_INLINE void linearTile(Strided x, const float* panel, int64_t depth, const float* from, const float* c, float* to,
                          int64_t stride, Ahead& ahead, int64_t lines) {
  constexpr int vectors = panelWidth / W;
  Float acc[MR][vectors] = {};
  if (from) {
    R1_UNROLL for (int i = 0; i < MR; i++) {
      R1_UNROLL for (int v = 0; v < vectors; v++) acc[i][v] = load(from + i * panelWidth + v * W);
    }
  }
  int64_t p = 0;
  for (; p + 8 <= depth; p += 8) {
    ahead.bring(lines);
    R1_UNROLL for (int q = 0; q < 8; q++) addOuterProduct(x, panel + (p + q) * panelWidth, p + q, acc);
  }
  for (; p < depth; p++) addOuterProduct(x, panel + p * panelWidth, p, acc);
  R1_UNROLL for (int i = 0; i < MR; i++) {
    R1_UNROLL for (int v = 0; v < vectors; v++) {
      const int64_t at = i * stride + v * W;
      store(to + at, c ? acc[i][v] + load(c + at) : acc[i][v]);
    }
  }
}

/// The same for 1 to MR rows.
template <int MR, class... Rest>
R1_INLINE void linearTileOf(int64_t rows, Rest&&... rest) {
  if constexpr (MR > 1) {
    if (rows < MR) return linearTileOf<MR - 1>(rows, rest...);
  }
  linearTile<MR>(rest...);
}

/// Rows of x that stay in the second cache while all of w passes by.
constexpr int64_t rowsOfBlock = 192;

/// Of a piece of k, so that the panel's part of it fits the first cache.
constexpr int64_t longestPiece = 320;

R1_INLINE int64_t pieceOf(int64_t k) {
  const int64_t pieces = (k + longestPiece - 1) / longestPiece;
  return ((k + pieces - 1) / pieces + 7) / 8 * 8;
}

/// At most rowsOfBlock rows of x, whose elements of this piece begin at x, with the panel's part of it. The sums so far are
/// in `sums`, unless it is the first piece; where `y` is given they go there, with c added, and else back.
///
/// @param lines of what comes next that are to be brought nearer in the time of eight elements, by all tiles together
template <class Ahead>
R1_INLINE void linearPiece(int64_t rows, const float* x, int64_t k, const float* panel, int64_t depth, bool first, float* sums,
                           const float* c, float* y, int64_t yStride, Ahead& ahead, int64_t lines) {
  const int64_t tiles = (rows + tileRows - 1) / tileRows;
  const int64_t linesOfTile = (lines + tiles - 1) / tiles;
  for (int64_t tile = 0, i = 0; tile < tiles; tile++) {
    const int64_t count = (rows - i) / (tiles - tile);  // as even as it goes: tiles of few rows wait for their own sums
    const float* from = first ? nullptr : sums + i * panelWidth;
    const float* addend = y && c ? c + i * yStride : nullptr;
    float* to = y ? y + i * yStride : sums + i * panelWidth;
    linearTileOf<tileRows>(count, Strided{x + i * k, k, 1}, panel, depth, from, addend, to, y ? yStride : panelWidth,
                           ahead, linesOfTile);
    i += count;
  }
}

/// At most so many rows of x with `columns` ≤ 16 rows of w. Pieces of k are added up outside of y, which may be c.
template <class Weights>
static void linearOfManyRows(const float* x, const typename Weights::Element* w, int64_t columns, int64_t rows, int64_t k,
                             const float* c, float* y, int64_t yStride) {
  alignas(64) float sums[rowsOfBlock * panelWidth];
  alignas(64) float panel[longestPiece * panelWidth];
  const int64_t piece = pieceOf(k);
  for (int64_t p = 0; p < k; p += piece) {
    const int64_t depth = k - p < piece ? k - p : piece;
    packWeights<Weights>(w + p, k, columns, depth, panel);
    Ahead<Weights> ahead{w + panelWidth * k + p, k, depth};
    const bool last = p + depth == k && columns == panelWidth;
    linearPiece(rows, x + p, k, panel, depth, p == 0, sums, c, last ? y : nullptr, yStride, ahead,
                2 * int64_t(sizeof(typename Weights::Element)));
  }
  if (columns == panelWidth) return;
  for (int64_t i = 0; i < rows; i++) {
    for (int64_t j = 0; j < columns; j++) {
      const float sum = sums[i * panelWidth + j];
      y[i * yStride + j] = c ? sum + c[i * yStride + j] : sum;
    }
  }
}

/// Rows of x with their elements p side by side, so that no two of them ask for the same set of the first cache.
template <int MR>
R1_INLINE const float* sideBySide(const float* x, int64_t k) {
  if constexpr (MR == 1) return x;
  float* all = scratch<float>(Scratch::rowsSideBySide, MR * k);
  for (int64_t p = 0; p < k; p++) {
    R1_UNROLL for (int i = 0; i < MR; i++) all[p * MR + i] = x[i * k + p];
  }
  return all;
}

/// Rows of x whose sums stay in the registers beside the columns that are made: for more, a panel is faster.
template <class Weights>
constexpr int fewRows = 8 / Weights::perWord;

/// All rows of w that are whole vectors of columns, with 1 to MR rows of x. @return how many
template <class Weights, int MR>
R1_INLINE int64_t linearOfWholeVectors(int64_t rows, const float* x, const typename Weights::Element* w, const float* c,
                                       float* y, int64_t n, int64_t k) {
  if constexpr (MR > 1) {
    if (rows < MR) return linearOfWholeVectors<Weights, MR - 1>(rows, x, w, c, y, n, k);
  }
  const float* factors = sideBySide<MR>(x, k);
  int64_t j = 0;
  for (; j + W <= n; j += W) linearOfFewRows<Weights, MR>(factors, w + j * k, k, c ? c + j : nullptr, y + j, n);
  return j;
}

template <class Weights>
static void linearOf(const float* x, const typename Weights::Element* w, const float* c, float* y, int64_t m, int64_t n,
                     int64_t k) {
  if (k == 0) {
    for (int64_t i = 0; i < m * n; i++) y[i] = c ? c[i] : 0;
    return;
  }
  for (int64_t i = 0; i < m; i += rowsOfBlock) {
    const int64_t rows = m - i < rowsOfBlock ? m - i : rowsOfBlock;
    const float* left = x + i * k;
    const float* addend = c ? c + i * n : nullptr;
    float* to = y + i * n;
    int64_t j = 0;
    if (rows <= fewRows<Weights>) j = linearOfWholeVectors<Weights, fewRows<Weights>>(rows, left, w, addend, to, n, k);
    for (; j < n; j += panelWidth) {
      const int64_t columns = n - j < panelWidth ? n - j : panelWidth;
      linearOfManyRows<Weights>(left, w + j * k, columns, rows, k, addend ? addend + j : nullptr, to + j, n);
    }
  }
}

void linear(const float* x, const float* w, const float* c, float* y, int64_t m, int64_t n, int64_t k) {
  linearOf<Float32Weights>(x, w, c, y, m, n, k);
}

void linearBf16(const float* x, const uint16_t* w, const float* c, float* y, int64_t m, int64_t n, int64_t k) {
  float* rounded = scratch<float>(Scratch::roundedRows, m * k);
  int64_t i = 0;
  for (; i + W <= m * k; i += W) store(rounded + i, roundToBFloat16(load(x + i)));
  if (i < m * k) storeSome(rounded + i, roundToBFloat16(loadSome(x + i, m * k - i)), m * k - i);
  linearOf<BFloat16Weights>(rounded, w, c, y, m, n, k);
}

}  // namespace r1::R1_TARGET
