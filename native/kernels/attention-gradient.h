// Gradient of causal grouped-query attention, tile by tile as its forward pass:
//
//   P = exp(S − lse)   dP = g·vᵀ   dS = P∘(dP − Σ g∘out)   dq = dS·k/√headDim   dk = dSᵀ·q/√headDim   dv = Pᵀ·g
#pragma once

#include "attention.h"

namespace r1::R1_TARGET {

/// Of each row: P in place of the scores, and dS in place of the products with the values; 0 where no key is seen.
R1_INLINE void tileSlopes(const Tile& tile, const float* lse, const float* mean, float* scores, float* products,
                          int64_t stride) {
  const int64_t padded = paddedTo16(tile.keys());
  for (int64_t r = 0; r < tile.rows; r++) {
    float *p = scores + r * stride, *ds = products + r * stride;
    for (int64_t j = tile.counts[r]; j < padded; j++) p[j] = -__builtin_inff(), ds[j] = 0;
    for (int64_t j = 0; j < padded; j += W) {
      const Float probability = exponential(load(p + j) - lse[r]);
      store(p + j, probability);
      store(ds + j, probability * (load(ds + j) - mean[r]));
    }
  }
}

R1_INLINE float dotProduct(const float* a, const float* b, int64_t n) {
  Float products = {};
  int64_t i = 0;
  for (; i + W <= n; i += W) products = fma(load(a + i), load(b + i), products);
  if (i < n) products = fma(loadSome(a + i, n - i), loadSome(b + i, n - i), products);
  return sum(fold(products));
}

/// sum [keys, padded] += aᵀ·b, a [rows, stride] and b [rows, padded].
R1_INLINE void addTransposedProduct(int64_t rows, int64_t keys, int64_t padded, const float* a, int64_t stride,
                                    const float* b, float* sum) {
  for (int64_t d = 0; d < padded; d += 16) {
    outerPanel<true>(keys, {a, 1, stride}, b + d, padded, sum + d, padded, rows);
  }
}

/// Adds row j of `sums` to the gradient of the token at place j.
R1_INLINE void scatterRows(const float* sums, int64_t padded, int64_t keys, const int64_t* places, int64_t stride,
                           int64_t headDim, float* to) {
  for (int64_t j = 0; j < keys; j++) {
    for (int64_t d = 0; d < headDim; d++) to[places[j] * stride + d] += sums[j * padded + d];
  }
}

void attentionGradient(const AttentionShape& shape, const float* q, const float* k, const float* v,
                       const int64_t* places, const int64_t* origins, const float* out, const float* lse,
                       const float* g, float* dq, float* dk, float* dv) {
  const int64_t group = shape.heads / shape.kvHeads, headDim = shape.headDim, padded = paddedTo16(headDim);
  const int64_t tokenStride = shape.kvHeads * headDim;
  const float scale = scoreScale(headDim);
  std::memset(dk, 0, shape.tokens * tokenStride * sizeof(float));
  std::memset(dv, 0, shape.tokens * tokenStride * sizeof(float));
  forEachRow(shape, origins, [&](int64_t row, const RowQueries& queries) {
    const int64_t* rowPlaces = places + row * shape.length;
    const int64_t keys = queries.positions[queries.count - 1] + 1, stride = paddedTo16(keys);
    const int64_t perTile = tileTokens(2 * keys, group), tileHeads = perTile * group;
    float* keyColumns = scratch<float>(Scratch::keyColumns, stride * headDim);
    float* valueColumns = scratch<float>(Scratch::valueColumns, stride * headDim);
    float* keyRows = scratch<float>(Scratch::keyRows, keys * padded);
    float* query = scratch<float>(Scratch::queries, tileHeads * padded);
    float* cotangent = scratch<float>(Scratch::cotangents, tileHeads * padded);
    float* scores = scratch<float>(Scratch::scores, 2 * tileHeads * stride);
    float* slopes = scores + tileHeads * stride;
    float* slope = scratch<float>(Scratch::products, tileHeads * (padded + 2));
    float *mean = slope + tileHeads * padded, *tileLse = mean + tileHeads;
    float* sumK = scratch<float>(Scratch::sums, 2 * keys * padded);
    float* sumV = sumK + keys * padded;
    int64_t* counts = scratch<int64_t>(Scratch::counts, tileHeads);

    for (int64_t kvHead = 0; kvHead < shape.kvHeads; kvHead++) {
      const ListedRows keyList{k + kvHead * headDim, rowPlaces, tokenStride};
      const ListedRows valueList{v + kvHead * headDim, rowPlaces, tokenStride};
      packAllColumns(keyList, keys, headDim, keyColumns);
      packAllColumns(valueList, keys, headDim, valueColumns);
      packRows(keyList, keys, headDim, keyRows);
      std::memset(sumK, 0, 2 * keys * padded * sizeof(float));

      for (int64_t first = 0; first < queries.count; first += perTile) {
        const int64_t count = queries.count - first < perTile ? queries.count - first : perTile;
        const int64_t* tokens = queries.tokens + first;
        gatherHeads(q, tokens, count, shape, kvHead, scale, query, padded);
        gatherHeads(g, tokens, count, shape, kvHead, 1, cotangent, padded);
        for (int64_t r = 0; r < count * group; r++) {
          const int64_t head = tokens[r / group] * shape.heads + kvHead * group + r % group;
          counts[r] = queries.positions[first + r / group] + 1;
          tileLse[r] = lse[head];
          mean[r] = dotProduct(g + head * headDim, out + head * headDim, headDim);
        }
        const Tile tile{count * group, counts, query, padded, headDim};
        const Tile cotangents{count * group, counts, cotangent, padded, headDim};
        tileScores(tile, [&](int64_t j) { return keyColumns + j * headDim; }, scores, stride);
        tileScores(cotangents, [&](int64_t j) { return valueColumns + j * headDim; }, slopes, stride);
        tileSlopes(tile, tileLse, mean, scores, slopes, stride);

        for (int64_t d = 0; d < padded; d += 16) {
          outerTriangle(tile.rows, counts, {slopes, stride, 1}, keyRows + d * keys, 16, slope + d, padded);
        }
        for (int64_t r = 0; r < tile.rows; r++) {
          float* to = dq + (tokens[r / group] * shape.heads + kvHead * group + r % group) * headDim;
          for (int64_t d = 0; d < headDim; d++) to[d] = slope[r * padded + d] * scale;
        }
        addTransposedProduct(tile.rows, tile.keys(), padded, slopes, stride, query, sumK);
        addTransposedProduct(tile.rows, tile.keys(), padded, scores, stride, cotangent, sumV);
      }
      scatterRows(sumK, padded, keys, rowPlaces, tokenStride, headDim, dk + kvHead * headDim);
      scatterRows(sumV, padded, keys, rowPlaces, tokenStride, headDim, dv + kvHead * headDim);
    }
  });
}

}  // namespace r1::R1_TARGET
