// Products of rows with rows: y[i, j] = x[i]·w[j]. Sixteen rows of w at a time become the columns of a panel, so that a tile
// is a sum of outer products; a few rows of x take the columns from the registers, and memory sets their pace.
//
// An element's sum runs over k in ascending order, whatever the tile; c is added to the sum.
#pragma once

#include "outer.h"
#include "scratch.h"
#include "vector.h"

namespace r1::R1_TARGET {

/// How a tile adds up products: of how many rows and panels it is, of how many columns a panel is, and what it adds of an element of x and a
/// column. A processor that adds as many products at a time as it loads vectors has to use an element of x for more than one of them.
struct ProductsOfFloats {
  static constexpr int rows = W == 16 ? 12 : tileRows;
  static constexpr int panels = W == 16 ? 2 : 1;
  static constexpr int columns = panelWidth;
  R1_INLINE Float add(Float sum, float x, Float column) { return fma(splat(x), column, sum); }
};

/// Weights as words of 32 bits: what lies in a word, and which columns come of a word of each row.
struct Float32Weights : ProductsOfFloats {
  typedef float Element;
  static constexpr int perWord = 1;
  R1_INLINE float value(float weight) { return weight; }
  R1_INLINE Float column(Float words, int) { return words; }
};

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
  constexpr int width = Weights::columns;
  const int64_t whole = rows < width ? 0 : depth / columnsAtATime<Weights> * columnsAtATime<Weights>;
  for (int v = 0; v < width; v += W) {
    for (int64_t p = 0; p < whole; p += columnsAtATime<Weights>) {
      eachColumn<Weights>(w + v * stride + p, stride, [&](int q, Float column) __attribute__((always_inline)) {
        store(panel + (p + q) * width + v, column);
      });
    }
  }
  for (int64_t p = whole; p < depth; p++) {
    oneColumn<Weights>(w + p, stride, rows, panel + p * width);
    for (int64_t r = rows; r < width; r++) panel[p * width + r] = 0;
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
        R1_UNROLL for (int i = 0; i < MR; i++) acc[i] = Weights::add(acc[i], x[(l + q) * MR + i], column);
      });
    }
  }
  for (; p < k; p++) {
    float column[W];
    oneColumn<Weights>(w + p, k, W, column);
    R1_UNROLL for (int i = 0; i < MR; i++) acc[i] = Weights::add(acc[i], x[p * MR + i], load(column));
  }
  R1_UNROLL for (int i = 0; i < MR; i++) {
    store(y + i * yStride, c ? acc[i] + load(c + i * yStride) : acc[i]);
  }
}

/// The lines of a tile's rows of `count` elements, which are to come nearer from memory in the order in which they are packed.
template <class Weights>
struct Ahead {
  static constexpr int rows = Weights::panels * Weights::columns;
  const typename Weights::Element* w;
  int64_t stride;
  int64_t count;
  int64_t row = 0;
  int64_t column = 0;

  inline __attribute__((always_inline)) void bring(int64_t lines) {
    for (; lines > 0 && row < rows; lines--) {
      __builtin_prefetch(w + row++ * stride + column + headStart<Weights>, 0, 2);
      if (row % W > 0) continue;
      column += lineLength<Weights>;
      if (column < count) row -= W;
      else column = 0;
    }
  }
};

/// The sum so far of each row and column of a tile.
struct Sums {
  const float* first;
  int64_t stride;
};

/// Panels side by side.
struct Panels {
  const float* first;
  int64_t stride;  ///< from a panel to the next
};

/// MR rows of x with P panels: to = from + x·panels + c. `from` and `c` may be missing.
template <class Products, int P, int MR, class Ahead>
R1_INLINE void linearTile(Strided x, Panels panels, int64_t depth, Sums from, const float* c, float* to, int64_t stride, Ahead& ahead,
                          int64_t lines) {
  constexpr int each = Products::columns / W, vectors = P * each;
  Float acc[MR][vectors] = {};
  if (from.first) {
    R1_UNROLL for (int i = 0; i < MR; i++) {
      R1_UNROLL for (int v = 0; v < vectors; v++) acc[i][v] = load(from.first + i * from.stride + v * W);
    }
  }
  const auto addTerm = [&](int64_t p) __attribute__((always_inline)) {
    Float column[vectors];
    R1_UNROLL for (int v = 0; v < vectors; v++) column[v] = load(panels.first + v / each * panels.stride + p * Products::columns + v % each * W);
    R1_UNROLL for (int i = 0; i < MR; i++) {
      const float factor = x.data[i * x.row + p * x.step];
      R1_UNROLL for (int v = 0; v < vectors; v++) acc[i][v] = Products::add(acc[i][v], factor, column[v]);
    }
  };
  int64_t p = 0;
  for (; p + 8 <= depth; p += 8) {
    ahead.bring(lines);
    R1_UNROLL for (int q = 0; q < 8; q++) addTerm(p + q);
  }
  for (; p < depth; p++) addTerm(p);
  R1_UNROLL for (int i = 0; i < MR; i++) {
    R1_UNROLL for (int v = 0; v < vectors; v++) {
      const int64_t at = i * stride + v * W;
      store(to + at, c ? acc[i][v] + load(c + at) : acc[i][v]);
    }
  }
}

/// The same for 1 to MR rows.
template <class Products, int P, int MR = Products::rows, class... Rest>
R1_INLINE void linearTileOf(int64_t rows, Rest&&... rest) {
  if constexpr (MR > 1) {
    if (rows < MR) return linearTileOf<Products, P, MR - 1>(rows, rest...);
  }
  linearTile<Products, P, MR>(rest...);
}

/// Rows of x that stay in the second cache while all of w passes by.
constexpr int64_t rowsOfBlock = 192;

/// More of them where they are short: each block packs all of w anew.
R1_INLINE int64_t rowsTogether(int64_t k) { return k <= 320 ? 2 * rowsOfBlock : rowsOfBlock; }

/// Of a piece of k, so that the panels' part of it fits the first cache.
template <class Products>
constexpr int64_t longestPiece = 5120 / (Products::panels * Products::columns);

template <class Products>
R1_INLINE int64_t pieceOf(int64_t k) {
  const int64_t pieces = (k + longestPiece<Products> - 1) / longestPiece<Products>;
  return ((k + pieces - 1) / pieces + 7) / 8 * 8;
}

/// At most rowsOfBlock rows of x, whose elements of this piece begin at x, with P panels' part of it. The sums so far are
/// in `sums`, unless it is the first piece; where `y` is given they go there, with c added, and else back.
///
/// @param lines of what comes next that are to be brought nearer in the time of eight elements, by all tiles together
template <class Products, int P, class Ahead>
R1_INLINE void linearPiece(int64_t rows, const float* x, int64_t xStride, Panels panels, int64_t depth, bool first, float* sums,
                           const float* c, float* y, int64_t yStride, Ahead& ahead, int64_t lines) {
  constexpr int width = P * Products::columns;
  const int64_t tiles = (rows + Products::rows - 1) / Products::rows;
  const int64_t linesOfTile = (lines + tiles - 1) / tiles;
  for (int64_t tile = 0, i = 0; tile < tiles; tile++) {
    const int64_t count = (rows - i) / (tiles - tile);  // as even as it goes: tiles of few rows wait for their own sums
    const Sums from{first ? nullptr : sums + i * width, width};
    const float* addend = y && c ? c + i * yStride : nullptr;
    float* to = y ? y + i * yStride : sums + i * width;
    linearTileOf<Products, P>(count, Strided{x + i * xStride, xStride, 1}, panels, depth, from, addend, to, y ? yStride : width, ahead,
                              linesOfTile);
    i += count;
  }
}

/// At most so many rows of x with as many rows of w as the panels of a tile have columns, or fewer. Pieces of k are added up outside of y,
/// which may be c.
template <class Weights>
static void linearOfManyRows(const float* x, int64_t xStride, const typename Weights::Element* w, int64_t columns,
                             int64_t rows, int64_t k, const float* c, float* y, int64_t yStride) {
  constexpr int width = Weights::panels * Weights::columns;
  alignas(64) float sums[2 * rowsOfBlock * width];
  alignas(64) float packed[longestPiece<Weights> * width];
  const int64_t piece = pieceOf<Weights>(k);
  for (int64_t p = 0; p < k; p += piece) {
    const int64_t depth = k - p < piece ? k - p : piece;
    const Panels panels{packed, depth * Weights::columns};
    for (int64_t j = 0; j < width; j += Weights::columns) {
      const int64_t left = columns > j ? columns - j : 0;
      packWeights<Weights>(w + j * k + p, k, left < Weights::columns ? left : Weights::columns, depth, packed + j * depth);
    }
    Ahead<Weights> ahead{w + width * k + p, k, depth};
    const bool last = p + depth == k && columns == width;
    linearPiece<Weights, Weights::panels>(rows, x + p, xStride, panels, depth, p == 0, sums, c, last ? y : nullptr, yStride, ahead,
                                          8 * width / lineLength<Weights>);
  }
  if (columns == width) return;
  for (int64_t i = 0; i < rows; i++) {
    for (int64_t j = 0; j < columns; j++) {
      const float sum = sums[i * width + j];
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

/// Rows of x that do not begin a multiple of 2 KiB apart, as those of many models do: the rows of a tile would displace each
/// other in the first cache.
struct ApartRows {
  const float* first;
  int64_t stride;
};

R1_INLINE ApartRows apart(const float* x, int64_t rows, int64_t k) {
  if (k % 512 != 0) return {x, k};
  const int64_t stride = k + 16;
  float* copy = scratch<float>(Scratch::rowsSideBySide, rows * stride);
  for (int64_t i = 0; i < rows; i++) std::memcpy(copy + i * stride, x + i * k, size_t(k) * sizeof(float));
  return {copy, stride};
}

template <class Weights>
static void linearOf(const float* x, const typename Weights::Element* w, const float* c, float* y, int64_t m, int64_t n,
                     int64_t k) {
  if (k == 0) {
    for (int64_t i = 0; i < m * n; i++) y[i] = c ? c[i] : 0;
    return;
  }
  const int64_t most = rowsTogether(k);
  for (int64_t i = 0; i < m; i += most) {
    const int64_t rows = m - i < most ? m - i : most;
    const float* left = x + i * k;
    const float* addend = c ? c + i * n : nullptr;
    float* to = y + i * n;
    int64_t j = 0;
    if (rows <= fewRows<Weights>) j = linearOfWholeVectors<Weights, fewRows<Weights>>(rows, left, w, addend, to, n, k);
    const ApartRows many = rows > fewRows<Weights> ? apart(left, rows, k) : ApartRows{left, k};
    constexpr int64_t width = Weights::panels * Weights::columns;
    for (; j < n; j += width) {
      const int64_t columns = n - j < width ? n - j : width;
      linearOfManyRows<Weights>(many.first, many.stride, w + j * k, columns, rows, k, addend ? addend + j : nullptr, to + j, n);
    }
  }
}

void linear(const float* x, const float* w, const float* c, float* y, int64_t m, int64_t n, int64_t k) {
  linearOf<Float32Weights>(x, w, c, y, m, n, k);
}

}  // namespace r1::R1_TARGET
