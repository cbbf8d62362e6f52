// What stands between the products: norms, gates, rotations. Rows are computed one by one; an element's bits do not
// depend on where in its row's vectors it falls, unless it is part of a sum, whose lanes are fixed.
#pragma once

#include "bfloat16.h"
#include "exponential.h"
#include "kernels.h"

namespace r1::R1_TARGET {

/// Calls work(offset, load, store) for W elements at a time, the last time for what is left of n.
template <class Work>
R1_INLINE void forVectors(int64_t n, Work work) {
  int64_t i = 0;
  const auto loadWhole = [&](const float* p) __attribute__((always_inline)) { return load(p + i); };
  const auto storeWhole = [&](float* p, Float x) __attribute__((always_inline)) { store(p + i, x); };
  for (; i + W <= n; i += W) work(loadWhole, storeWhole);
  if (i == n) return;
  const auto loadRest = [&](const float* p) __attribute__((always_inline)) { return loadSome(p + i, n - i); };
  const auto storeRest = [&](float* p, Float x) __attribute__((always_inline)) { storeSome(p + i, x, n - i); };
  work(loadRest, storeRest);
}

/// Σ of what `term` makes of 16 elements at a time: lane i adds the elements i, i + 16, …
template <class Term>
R1_INLINE float sumOfRow(int64_t n, Term term) {
  Lanes sums = {};
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    R1_UNROLL for (int part = 0; part < Lanes::vectors; part++) {
      const int64_t at = i + part * W;
      sums.lane[part] = term(sums.lane[part], [&](const float* p) __attribute__((always_inline)) { return load(p + at); });
    }
  }
  for (int part = 0; part < Lanes::vectors && i + part * W < n; part++) {
    const int64_t at = i + part * W, some = n - at < W ? n - at : W;
    sums.lane[part] =
        term(sums.lane[part], [&](const float* p) __attribute__((always_inline)) { return loadSome(p + at, some); });
  }
  return sum(sums);
}

void rmsNorm(const float* x, const float* weight, const float* epsilon, float* y, float* r, int64_t m, int64_t d) {
  for (int64_t i = 0; i < m; i++) {
    const float* row = x + i * d;
    const float squares = sumOfRow(d, [&](Float sum, auto get) __attribute__((always_inline)) {
      const Float value = get(row);
      return fma(value, value, sum);
    });
    const float inverse = 1 / __builtin_sqrtf(squares / float(d) + *epsilon);
    if (r) r[i] = inverse;
    forVectors(d, [&](auto get, auto put) __attribute__((always_inline)) {
      put(y + i * d, get(row) * inverse * get(weight));
    });
  }
}

void rmsNormInputGradient(const float* g, const float* x, const float* weight, const float* r, const float* c, float* dx,
                          int64_t m, int64_t d) {
  for (int64_t i = 0; i < m; i++) {
    const float *xRow = x + i * d, *gRow = g + i * d;
    const float product = sumOfRow(d, [&](Float sum, auto get) __attribute__((always_inline)) {
      return fma(get(gRow) * get(xRow), get(weight), sum);
    });
    const float inverse = r[i], slope = product * inverse * inverse * inverse / float(d);
    forVectors(d, [&](auto get, auto put) __attribute__((always_inline)) {
      const Float own = fma(get(xRow), splat(-slope), get(gRow) * get(weight) * inverse);
      put(dx + i * d, c ? get(c + i * d) + own : own);
    });
  }
}

void rmsNormWeightGradient(const float* g, const float* x, const float* r, float* dweight, int64_t m, int64_t d) {
  constexpr int vectors = 8;  // whose sums stay in registers from row to row
  int64_t j = 0;
  for (; j + vectors * W <= d; j += vectors * W) {
    Float sums[vectors];
    R1_UNROLL for (int part = 0; part < vectors; part++) sums[part] = load(dweight + j + part * W);
    for (int64_t i = 0; i < m; i++) {
      const float *gRow = g + i * d + j, *xRow = x + i * d + j;
      R1_UNROLL for (int part = 0; part < vectors; part++) {
        sums[part] = fma(load(gRow + part * W) * load(xRow + part * W), splat(r[i]), sums[part]);
      }
    }
    R1_UNROLL for (int part = 0; part < vectors; part++) store(dweight + j + part * W, sums[part]);
  }
  for (int64_t i = 0; i < m; i++) {
    forVectors(d - j, [&](auto get, auto put) __attribute__((always_inline)) {
      put(dweight + j, fma(get(g + i * d + j) * get(x + i * d + j), splat(r[i]), get(dweight + j)));
    });
  }
}

void roundBf16(const float* x, float* y, int64_t n) {
  forVectors(n, [&](auto get, auto put) __attribute__((always_inline)) { put(y, roundToBFloat16(get(x))); });
}

R1_INLINE Float sigmoid(Float x) { return 1.f / (1.f + exponential(-x > splat(87.f) ? splat(87.f) : -x)); }

void swiglu(const float* gate, const float* up, float* y, int64_t n) {
  forVectors(n, [&](auto get, auto put) __attribute__((always_inline)) {
    const Float x = get(gate);
    put(y, x * sigmoid(x) * get(up));
  });
}

void swigluGradient(const float* gate, const float* up, const float* g, float* dgate, float* dup, int64_t n) {
  forVectors(n, [&](auto get, auto put) __attribute__((always_inline)) {
    const Float x = get(gate), s = sigmoid(x), gs = get(g) * s, u = get(up);
    put(dgate, gs * u * fma(x, 1.f - s, splat(1.f)));
    put(dup, gs * x);
  });
}

void rotary(const float* x, const int64_t* positions, const float* cos, const float* sin, float direction, float* y,
            int64_t m, int64_t heads, int64_t headDim) {
  const int64_t half = headDim / 2;
  for (int64_t i = 0; i < m; i++) {
    const float *c = cos + positions[i] * half, *s = sin + positions[i] * half;
    for (int64_t h = 0; h < heads; h++) {
      const float* from = x + (i * heads + h) * headDim;
      float* to = y + (i * heads + h) * headDim;
      forVectors(half, [&](auto get, auto put) __attribute__((always_inline)) {
        const Float a = get(from), b = get(from + half), cosine = get(c), sine = get(s) * direction;
        put(to, fma(a, cosine, -(b * sine)));
        put(to + half, fma(b, cosine, a * sine));
      });
    }
  }
}

void normalizedRotary(const float* x, const float* weight, const float* epsilon, const int64_t* positions, const float* cos,
                      const float* sin, float* y, float* r, int64_t m, int64_t heads, int64_t headDim) {
  for (int64_t i = 0; i < m; i++) {
    const int64_t at = i * heads * headDim;
    rmsNorm(x + at, weight, epsilon, y + at, r + i * heads, heads, headDim);
    rotary(y + at, positions + i, cos, sin, 1, y + at, 1, heads, headDim);
  }
}

void addBias(float* y, const float* bias, int64_t m, int64_t n) {
  for (int64_t i = 0; i < m; i++, y += n) {
    forVectors(n, [&](auto get, auto put) __attribute__((always_inline)) { put(y, get(y) + get(bias)); });
  }
}

}  // namespace r1::R1_TARGET
