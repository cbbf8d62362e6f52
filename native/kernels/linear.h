// Products of rows with rows: y[i, j] = x[i]·w[j]. Both run along k, so neither is packed; a tile of MR × NR dot products
// is kept in registers, W lanes each.
//
// The order of one element's sum is the same in every tile: lane l adds the elements l, l + W, … of a piece of k, the
// lanes are folded, and the pieces are added in ascending order.
#pragma once

#include "scratch.h"
#include "vector.h"

namespace r1::R1_TARGET {

/// Pieces of k: the few rows of a tile fit the first cache together.
R1_INLINE int64_t pieceLength(int64_t k) {
  constexpr int64_t longest = 1024;
  const int64_t pieces = (k + longest - 1) / longest;
  return ((k + pieces - 1) / pieces + 15) / 16 * 16;
}

struct Float32Weights {
  typedef float Element;
  R1_INLINE Float load(const float* p) { return R1_TARGET::load(p); }
  R1_INLINE Float loadSome(const float* p, int64_t count) { return R1_TARGET::loadSome(p, count); }
};

/// The upper halves of floats.
struct BFloat16Weights {
  typedef uint16_t Element;
  R1_INLINE Float load(const uint16_t* p) {
    typedef uint16_t Halves __attribute__((vector_size(W * 2)));
    Halves upper;
    std::memcpy(&upper, p, sizeof upper);
    return reinterpret_cast<Float>(__builtin_convertvector(upper, Int) << 16);
  }
  R1_INLINE Float loadSome(const uint16_t* p, int64_t count) {
    uint16_t some[W] = {};
    std::memcpy(some, p, count * sizeof(uint16_t));
    return load(some);
  }
};

/// x rounded to bfloat16, to the nearest, ties to even; not a number stays so.
R1_INLINE Float roundToBFloat16(Float x) {
  const Int bits = reinterpret_cast<Int>(x);
  const Int rounded = (bits + 0x7fff + (bits >> 16 & 1)) & int32_t(0xffff0000);
  return x == x ? reinterpret_cast<Float>(rounded) : x;
}

/// What is to come nearer from memory, a line at a time.
template <class Element>
struct Ahead {
  const Element* next;
  const Element* end;
};

/// MR × NR dot products over k elements. Row i of x begins at x + i·xStride, and so on. Each cache line of a row's length
/// brings `Lines` lines of what is ahead; if that is as many as there are rows, then those of rows a little below, since
/// memory is fastest with several streams.
template <class Weights, int MR, int NR, int Lines>
R1_INLINE void dotProducts(const float* x, int64_t xStride, const typename Weights::Element* w, int64_t wStride,
                           Ahead<typename Weights::Element>& ahead, int64_t k, Float (&acc)[MR][NR]) {
  constexpr int64_t line = 64 / sizeof(typename Weights::Element);
  const auto step = [&](int64_t l) __attribute__((always_inline)) {
    if constexpr (MR >= NR) {
      Float b[NR];
      R1_UNROLL for (int j = 0; j < NR; j++) b[j] = Weights::load(w + j * wStride + l);
      R1_UNROLL for (int i = 0; i < MR; i++) {
        const Float a = load(x + i * xStride + l);
        R1_UNROLL for (int j = 0; j < NR; j++) acc[i][j] = fma(a, b[j], acc[i][j]);
      }
    } else {
      Float a[MR];
      R1_UNROLL for (int i = 0; i < MR; i++) a[i] = load(x + i * xStride + l);
      R1_UNROLL for (int j = 0; j < NR; j++) {
        const Float b = Weights::load(w + j * wStride + l);
        R1_UNROLL for (int i = 0; i < MR; i++) acc[i][j] = fma(a[i], b, acc[i][j]);
      }
    }
  };
  int64_t l = 0;
  if constexpr (Lines == NR) {
    constexpr int64_t below = 12;
    for (; l + line <= k; l += line) {
      R1_UNROLL for (int part = 0; part < line; part += W) step(l + part);
      R1_UNROLL for (int j = 0; j < NR; j++) __builtin_prefetch(w + (j + below) * wStride + l, 0, 2);
    }
  } else if (Lines > 0 && ahead.next < ahead.end) {
    const typename Weights::Element* next = ahead.next;
    for (; l + line <= k; l += line) {
      R1_UNROLL for (int part = 0; part < line; part += W) step(l + part);
      R1_UNROLL for (int z = 0; z < Lines; z++) __builtin_prefetch(next + z * line, 0, 2);
      next += Lines * line;
    }
    ahead.next = next;
  }
  for (; l + W <= k; l += W) step(l);
  if (l == k) return;
  for (int j = 0; j < NR; j++) {
    const Float b = Weights::loadSome(w + j * wStride + l, k - l);
    for (int i = 0; i < MR; i++) acc[i][j] = fma(loadSome(x + i * xStride + l, k - l), b, acc[i][j]);
  }
}

/// One tile: y = c + x·wᵀ.
template <class Weights, int MR, int NR, int Lines>
R1_INLINE void linearTile(const float* x, const typename Weights::Element* w, int64_t stride,
                          Ahead<typename Weights::Element>& ahead, const float* c, float* y, int64_t yStride,
                          int64_t k) {
  Float acc[MR][NR] = {};
  dotProducts<Weights, MR, NR, Lines>(x, stride, w, stride, ahead, k, acc);
  R1_UNROLL for (int i = 0; i < MR; i++) {
    R1_UNROLL for (int j = 0; j < NR; j += 4) {
      const auto lanes = [&](int at) __attribute__((always_inline)) {
        return at < NR ? fold(acc[i][at < NR ? at : 0]) : Float4{};
      };
      Float4 result = sums(lanes(j), lanes(j + 1), lanes(j + 2), lanes(j + 3));
      float* to = y + i * yStride + j;
      const float* addend = c + i * yStride + j;
      if (j + 4 <= NR) {
        store(to, c ? load<Float4>(addend) + result : result);
      } else {
        for (int rest = 0; rest < NR - j; rest++) to[rest] = c ? addend[rest] + result[rest] : result[rest];
      }
    }
  }
}

/// MR rows of x with n rows of w.
template <class Weights, int MR, int NR, int Lines>
R1_INLINE void linearRows(const float* x, const typename Weights::Element* w, int64_t stride,
                          Ahead<typename Weights::Element>& ahead, const float* c, float* y, int64_t yStride, int64_t n,
                          int64_t k) {
  int64_t j = 0;
  for (; j + NR <= n; j += NR) {
    linearTile<Weights, MR, NR, Lines>(x, w + j * stride, stride, ahead, c ? c + j : nullptr, y + j, yStride, k);
  }
  for (; j < n; j++) {
    linearTile<Weights, MR, 1, 0>(x, w + j * stride, stride, ahead, c ? c + j : nullptr, y + j, yStride, k);
  }
}

/// n columns of y and c, whose rows are yStride apart.
template <class Weights>
R1_INLINE void linearOf(const float* x, const typename Weights::Element* w, const float* c, float* y, int64_t yStride,
                        int64_t m, int64_t n, int64_t k) {
  typedef typename Weights::Element Element;
  if (k == 0) {
    for (int64_t i = 0; i < m; i++) {
      for (int64_t j = 0; j < n; j++) y[i * yStride + j] = c ? c[i * yStride + j] : 0;
    }
    return;
  }
  // A block of w stays in the second cache while all rows of x pass by, and the next block comes nearer.
  const int64_t passes = (m + 3) / 4;
  const int64_t piece = pieceLength(k);
  const int64_t fitting = 131072 / int64_t(sizeof(Element)) / piece / 24 * 24;
  const int64_t block = fitting > 24 ? fitting : 24;
  for (int64_t j = 0; j < n; j += block) {
    const int64_t columns = n - j < block ? n - j : block;
    const int64_t next = n - j - columns < block ? n - j - columns : block;
    Ahead<Element> ahead{w + (j + columns) * k, w + (j + columns + next) * k};
    for (int64_t l = 0; l < k; l += piece) {
      const int64_t length = k - l < piece ? k - l : piece;
      const float* addend = l == 0 ? c : y;
      int64_t i = 0;
      const auto rows = [&](auto kernel, int64_t count) __attribute__((always_inline)) {
        const int64_t at = i * yStride + j;
        kernel(x + i * k + l, w + j * k + l, k, ahead, addend ? addend + at : nullptr, y + at, yStride, columns, length);
        i += count;
      };
      if (m == 4) rows(linearRows<Weights, 4, 3, 3>, 4);
      if (passes == 2) rows(linearRows<Weights, 4, 3, 2>, 4);
      while (m - i >= 4) rows(linearRows<Weights, 4, 3, 1>, 4);
      if (m - i == 3) rows(linearRows<Weights, 3, 4, 4>, 3);
      if (m - i == 2) rows(linearRows<Weights, 2, 6, 6>, 2);
      if (m - i == 1) rows(linearRows<Weights, 1, 8, 8>, 1);
    }
  }
}

void linear(const float* x, const float* w, const float* c, float* y, int64_t m, int64_t n, int64_t k) {
  linearOf<Float32Weights>(x, w, c, y, n, m, n, k);
}

void linearBf16(const float* x, const uint16_t* w, const float* c, float* y, int64_t m, int64_t n, int64_t k) {
  float* rounded = scratch<float>(Scratch::roundedRows, m * k);
  int64_t i = 0;
  for (; i + W <= m * k; i += W) store(rounded + i, roundToBFloat16(load(x + i)));
  if (i < m * k) storeSome(rounded + i, roundToBFloat16(loadSome(x + i, m * k - i)), m * k - i);
  if (m <= 4) return linearOf<BFloat16Weights>(rounded, w, c, y, n, m, n, k);

  // Many rows see every weight often: a block of w is widened once. The bits are the same.
  const int64_t fitting = 131072 / int64_t(sizeof(float)) / (k + 1);
  const int64_t block = fitting > 48 ? fitting : 48;
  float* wide = scratch<float>(Scratch::weights, block * k + W);
  for (int64_t j = 0; j < n; j += block) {
    const int64_t columns = n - j < block ? n - j : block;
    const uint16_t* from = w + j * k;
    int64_t at = 0;
    for (; at + W <= columns * k; at += W) store(wide + at, BFloat16Weights::load(from + at));
    if (at < columns * k) store(wide + at, BFloat16Weights::loadSome(from + at, columns * k - at));
    linearOf<Float32Weights>(rounded, wide, c ? c + j : nullptr, y + j, n, m, columns, k);
  }
}

}  // namespace r1::R1_TARGET
