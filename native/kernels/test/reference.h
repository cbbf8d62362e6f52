// What the kernels compute, written for the eye: float64 inside, no order of summation promised.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "../kernels.h"

namespace reference {

inline float widened(uint16_t half) {
  const uint32_t bits = uint32_t(half) << 16;
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}
inline float widened(float value) { return value; }

/// To bfloat16; of numbers.
inline uint16_t rounded(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

inline void linear(const float* x, const float* w, const float* c, float* y, int64_t m, int64_t n, int64_t k) {
  for (int64_t i = 0; i < m; i++) {
    for (int64_t j = 0; j < n; j++) {
      double sum = c ? c[i * n + j] : 0;
      for (int64_t l = 0; l < k; l++) sum += double(x[i * k + l]) * w[j * k + l];
      y[i * n + j] = float(sum);
    }
  }
}

inline void linearInputGradient(const float* g, const float* w, const float* c, float* dx, int64_t m, int64_t n,
                                int64_t k) {
  for (int64_t i = 0; i < m; i++) {
    for (int64_t l = 0; l < k; l++) {
      double sum = c ? c[i * k + l] : 0;
      for (int64_t j = 0; j < n; j++) sum += double(g[i * n + j]) * w[j * k + l];
      dx[i * k + l] = float(sum);
    }
  }
}

inline void linearWeightGradient(const float* g, const float* x, float* dw, int64_t m, int64_t n, int64_t k) {
  for (int64_t j = 0; j < n; j++) {
    for (int64_t l = 0; l < k; l++) {
      double sum = dw[j * k + l];
      for (int64_t i = 0; i < m; i++) sum += double(g[i * n + j]) * x[i * k + l];
      dw[j * k + l] = float(sum);
    }
  }
}

/// One query head over the keys and values of `count` places.
struct Row {
  std::vector<double> p;
  double lse;
};

template <class Key>
Row probabilities(const float* q, const Key& key, int64_t count, int64_t headDim) {
  Row row{std::vector<double>(count), 0};
  double largest = -INFINITY, sum = 0;
  for (int64_t j = 0; j < count; j++) {
    double score = 0;
    for (int64_t d = 0; d < headDim; d++) score += double(q[d]) * key(j)[d];
    row.p[j] = score / std::sqrt(double(headDim));
    largest = std::max(largest, row.p[j]);
  }
  for (double& p : row.p) sum += p = std::exp(p - largest);
  for (double& p : row.p) p /= sum;
  row.lse = largest + std::log(sum);
  return row;
}

inline void attention(const r1::AttentionShape& s, const float* q, const float* k, const float* v, const int64_t* places,
                      const int64_t* origins, float* out, float* lse) {
  for (int64_t t = 0; t < s.tokens; t++) {
    const int64_t position = origins[t] % s.length;
    const int64_t* row = places + (origins[t] - position);
    for (int64_t h = 0; h < s.heads; h++) {
      const int64_t kvHead = h / (s.heads / s.kvHeads);
      const auto at = [&](const float* x) {
        return [=](int64_t j) { return x + (row[j] * s.kvHeads + kvHead) * s.headDim; };
      };
      const Row r = probabilities(q + (t * s.heads + h) * s.headDim, at(k), position + 1, s.headDim);
      if (lse) lse[t * s.heads + h] = float(r.lse);
      for (int64_t d = 0; d < s.headDim; d++) {
        double sum = 0;
        for (int64_t j = 0; j <= position; j++) sum += r.p[j] * at(v)(j)[d];
        out[(t * s.heads + h) * s.headDim + d] = float(sum);
      }
    }
  }
}

inline void attentionGradient(const r1::AttentionShape& s, const float* q, const float* k, const float* v,
                              const int64_t* places, const int64_t* origins, const float* g, float* dq, float* dk,
                              float* dv) {
  const double scale = 1 / std::sqrt(double(s.headDim));
  std::vector<double> sumK(s.tokens * s.kvHeads * s.headDim), sumV(sumK.size());
  for (int64_t t = 0; t < s.tokens; t++) {
    const int64_t position = origins[t] % s.length;
    const int64_t* row = places + (origins[t] - position);
    for (int64_t h = 0; h < s.heads; h++) {
      const int64_t kvHead = h / (s.heads / s.kvHeads), at = (t * s.heads + h) * s.headDim;
      const auto place = [&](int64_t j) { return (row[j] * s.kvHeads + kvHead) * s.headDim; };
      const Row r = probabilities(q + at, [&](int64_t j) { return k + place(j); }, position + 1, s.headDim);
      std::vector<double> dp(position + 1), sumQ(s.headDim);
      double mean = 0;
      for (int64_t j = 0; j <= position; j++) {
        for (int64_t d = 0; d < s.headDim; d++) dp[j] += double(g[at + d]) * v[place(j) + d];
        mean += r.p[j] * dp[j];
      }
      for (int64_t j = 0; j <= position; j++) {
        const double ds = r.p[j] * (dp[j] - mean) * scale;
        for (int64_t d = 0; d < s.headDim; d++) {
          sumQ[d] += ds * k[place(j) + d];
          sumK[place(j) + d] += ds * q[at + d];
          sumV[place(j) + d] += r.p[j] * g[at + d];
        }
      }
      for (int64_t d = 0; d < s.headDim; d++) dq[at + d] = float(sumQ[d]);
    }
  }
  for (size_t i = 0; i < sumK.size(); i++) dk[i] = float(sumK[i]), dv[i] = float(sumV[i]);
}

inline void cachedAttention(const r1::CacheShape& s, const float* q, const float* k, const float* v,
                            const int64_t* positions, const int64_t* table, float* keys, float* values, float* out) {
  const int64_t size = r1::cacheBlock * s.headDim;
  for (int64_t b = 0; b < s.rows; b++) {
    const auto blockOf = [&](int64_t position, int64_t kvHead) {
      return (table[b * s.columns + position / r1::cacheBlock] * s.kvHeads + kvHead) * size;
    };
    for (int64_t h = 0; h < s.heads; h++) {
      const int64_t kvHead = h / (s.heads / s.kvHeads), from = (b * s.kvHeads + kvHead) * s.headDim;
      const int64_t at = positions[b] % r1::cacheBlock;
      for (int64_t d = 0; d < s.headDim; d++) {
        keys[blockOf(positions[b], kvHead) + d * r1::cacheBlock + at] = k[from + d];
        values[blockOf(positions[b], kvHead) + at * s.headDim + d] = v[from + d];
      }
      std::vector<float> gathered((positions[b] + 1) * s.headDim);
      for (int64_t j = 0; j <= positions[b]; j++) {
        const float* block = keys + blockOf(j, kvHead) + j % r1::cacheBlock;
        for (int64_t d = 0; d < s.headDim; d++) gathered[j * s.headDim + d] = block[d * r1::cacheBlock];
      }
      const auto key = [&](int64_t j) { return gathered.data() + j * s.headDim; };
      const Row r = probabilities(q + (b * s.heads + h) * s.headDim, key, positions[b] + 1, s.headDim);
      for (int64_t d = 0; d < s.headDim; d++) {
        double sum = 0;
        for (int64_t j = 0; j <= positions[b]; j++) {
          sum += r.p[j] * values[blockOf(j, kvHead) + j % r1::cacheBlock * s.headDim + d];
        }
        out[(b * s.heads + h) * s.headDim + d] = float(sum);
      }
    }
  }
}

inline void adamw(const r1::AdamW& a, float* p, float* m, float* v, const float* gradient, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    const float g = gradient[i] * a.gradientScale;
    m[i] = a.beta1 * m[i] + a.rest1 * g;
    v[i] = a.beta2 * v[i] + a.rest2 * g * g;
    p[i] = p[i] - (a.decay * p[i] + (a.rate * m[i]) / (std::sqrt(v[i]) * a.correction + a.epsilon));
  }
}

inline double sumOfSquares(const float* x, int64_t n) {
  double sums[16] = {}, rest = 0;
  const int64_t whole = n - n % 16;
  for (int64_t i = 0; i < n; i++) (i < whole ? sums[i % 16] : rest) += double(x[i]) * x[i];
  for (double sum : sums) rest += sum;
  return rest;
}

inline void rmsNorm(const float* x, const float* weight, float epsilon, float* y, float* r, int64_t m, int64_t d) {
  for (int64_t i = 0; i < m; i++) {
    double sum = 0;
    for (int64_t j = 0; j < d; j++) sum += double(x[i * d + j]) * x[i * d + j];
    const double inverse = 1 / std::sqrt(sum / d + epsilon);
    if (r) r[i] = float(inverse);
    for (int64_t j = 0; j < d; j++) y[i * d + j] = float(x[i * d + j] * inverse * weight[j]);
  }
}

inline void rmsNormInputGradient(const float* g, const float* x, const float* weight, const float* r, const float* c,
                                 float* dx, int64_t m, int64_t d) {
  for (int64_t i = 0; i < m; i++) {
    double slope = 0;
    for (int64_t j = 0; j < d; j++) slope += double(g[i * d + j]) * x[i * d + j] * weight[j];
    slope *= double(r[i]) * r[i] * r[i] / d;
    for (int64_t j = i * d; j < (i + 1) * d; j++) {
      dx[j] = float(double(r[i]) * weight[j - i * d] * g[j] - x[j] * slope + (c ? c[j] : 0));
    }
  }
}

inline void rmsNormWeightGradient(const float* g, const float* x, const float* r, float* dweight, int64_t m, int64_t d) {
  for (int64_t j = 0; j < d; j++) {
    double sum = dweight[j];
    for (int64_t i = 0; i < m; i++) sum += double(r[i]) * g[i * d + j] * x[i * d + j];
    dweight[j] = float(sum);
  }
}

inline double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

inline void swiglu(const float* gate, const float* up, float* y, int64_t n) {
  for (int64_t i = 0; i < n; i++) y[i] = float(gate[i] * sigmoid(gate[i]) * up[i]);
}

inline void swigluGradient(const float* gate, const float* up, const float* g, float* dgate, float* dup, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    const double x = gate[i], u = up[i], s = sigmoid(x);
    dgate[i] = float(g[i] * u * s * (1 + x * (1 - s)));
    dup[i] = float(g[i] * x * s);
  }
}

inline void rotary(const float* x, const int64_t* positions, const float* cos, const float* sin, float direction,
                   float* y, int64_t m, int64_t heads, int64_t headDim) {
  const int64_t half = headDim / 2;
  for (int64_t i = 0; i < m; i++) {
    for (int64_t h = 0; h < heads; h++) {
      for (int64_t d = 0; d < half; d++) {
        const int64_t at = (i * heads + h) * headDim + d;
        const double a = x[at], b = x[at + half];
        const double c = cos[positions[i] * half + d], s = direction * sin[positions[i] * half + d];
        y[at] = float(a * c - b * s);
        y[at + half] = float(b * c + a * s);
      }
    }
  }
}

}  // namespace reference
