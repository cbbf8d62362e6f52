// Gradients of attention, without atomics: one pass over tiles of queries gives dq, one over tiles of keys dk and dv. Both compute the
// weights P again, from the scores and the logarithm of the softmax's denominator:
//
//   O = P·V, P = softmax(S), S = α·Q·Kᵀ  ⇒  dV = Pᵀ·G, dP = G·Vᵀ, dS = P ∘ (dP − Σ G∘O), dQ = α·dS·K, dK = α·dSᵀ·Q
#pragma once

#include "attention.h"

namespace r1::cuda {

/// What the way forward has given, and the cotangent of its output.
struct AttentionCotangent {
  const float *q, *g;      ///< [tokens, heads, headDim]
  const float *lse;        ///< [tokens, heads]
  const float* products;   ///< [tokens, heads] Σ g∘out
  float scale;
};

/// A warp a head of a token: Σ g∘out.
__global__ inline void __launch_bounds__(blockThreads, 1)
    cotangentProducts(const float* g, const float* out, float* products, int64_t count, int64_t headDim) {
  const int64_t head = globalWarp();
  if (head >= count) return;
  float sum = 0;
  for (int64_t d = lane(); d < headDim; d += warpLanes) sum = fmaf(g[head * headDim + d], out[head * headDim + d], sum);
  sum = overWarp<Sum>(sum);
  if (lane() == 0) products[head] = sum;
}

/// Queries and keys of two tiles, and what each pair of them gives: P, and dS.
struct GradientTile {
  Query queries[tileQueries];
  float lse[tileQueries], products[tileQueries];
  bool isThere[tileKeys];
  float p[tileQueries][tileKeys + 1], ds[tileQueries][tileKeys + 1];
};

/// The tile with its rows in shared memory.
struct GradientMemory {
  GradientTile& tile;
  int64_t headDim, stride;
  float *query, *cotangent, *keys, *values, *rest;

  __device__ GradientMemory(GradientTile& tile, int64_t headDim) : tile(tile), headDim(headDim), stride(sharedStride(headDim)) {
    SharedRows memory(reinterpret_cast<float*>(&tile + 1), headDim);
    query = memory.take(tileQueries), cotangent = memory.take(tileQueries);
    keys = memory.take(tileKeys), values = memory.take(tileKeys), rest = memory.rest();
  }

  /// Loads what belongs to the tile's queries, which all threads see.
  __device__ void loadQueries(const AttentionCotangent& of, int64_t heads) const {
    const auto at = [&](int64_t i) { return tile.queries[i].token * heads + tile.queries[i].head; };
    forElements(tileQueries, headDim, [&](int64_t i, int64_t d) {
      const bool isQuery = tile.queries[i].keys > 0;
      query[i * stride + d] = isQuery ? of.q[at(i) * headDim + d] * of.scale : 0;
      cotangent[i * stride + d] = isQuery ? of.g[at(i) * headDim + d] : 0;
    });
    if (threadIdx.x < tileQueries && tile.queries[threadIdx.x].keys > 0) {
      tile.lse[threadIdx.x] = of.lse[at(threadIdx.x)];
      tile.products[threadIdx.x] = of.products[at(threadIdx.x)];
    }
  }

  __device__ void loadKeys(const ListedSequences& sequences, int64_t row, int64_t first, int64_t count) const {
    forElements(count, headDim, [&](int64_t j, int64_t d) {
      const int64_t from = sequences.place(row, first + j) + d;
      keys[j * stride + d] = sequences.k[from];
      values[j * stride + d] = sequences.v[from];
    });
  }

  /// P and dS of queries with keys from position `first` on, zeros where a query does not see the key or it is not there.
  __device__ void weigh(int64_t first) const {
    for (int i = int(threadIdx.x); i < tileQueries * tileKeys; i += blockThreads) {
      const int of = i / tileKeys, j = i % tileKeys;
      float p = 0, ds = 0;
      if (tile.isThere[j] && first + j < tile.queries[of].keys) {
        p = exponential(dot(query + of * stride, keys + j * stride, headDim) - tile.lse[of]);
        ds = p * (dot(cotangent + of * stride, values + j * stride, headDim) - tile.products[of]);
      }
      tile.p[of][j] = p;
      tile.ds[of][j] = ds;
    }
  }
};

inline size_t gradientBytes(int64_t headDim, int resultRows) {
  return sizeof(GradientTile) + (2 * tileQueries + 2 * tileKeys + resultRows) * sharedStride(headDim) * sizeof(float);
}

/// A block a tile of queries, as in `attend`.
__global__ inline void __launch_bounds__(blockThreads, 1) attendQueryGradient(ListedSequences sequences, AttentionCotangent of, float* dq) {
  R1_SHARED(GradientTile, tile);
  const AttentionShape& shape = sequences.shape;
  const GradientMemory memory(tile, shape.headDim);
  const int64_t headDim = shape.headDim, stride = memory.stride;
  float* result = memory.rest;

  if (threadIdx.x < tileQueries) tile.queries[threadIdx.x] = sequences.query(int(threadIdx.x));
  __syncthreads();
  memory.loadQueries(of, shape.heads);
  forElements(tileQueries, headDim, [&](int64_t i, int64_t d) { result[i * stride + d] = 0; });
  const int64_t count = mostKeys(tile.queries), row = blockIdx.x / sequences.tilesOfRow();
  for (int64_t first = 0; first < count; first += tileKeys) {
    const int64_t some = count - first < tileKeys ? count - first : tileKeys;
    if (threadIdx.x < tileKeys) tile.isThere[threadIdx.x] = threadIdx.x < some;
    memory.loadKeys(sequences, row, first, some);
    __syncthreads();
    memory.weigh(first);
    __syncthreads();
    forElements(tileQueries, headDim, [&](int64_t i, int64_t d) {
      float sum = result[i * stride + d];
      for (int64_t j = 0; j < some; j++) sum = fmaf(tile.ds[i][j], memory.keys[j * stride + d], sum);
      result[i * stride + d] = sum;
    });
    __syncthreads();
  }
  forElements(tileQueries, headDim, [&](int64_t i, int64_t d) {
    const Query& query = tile.queries[i];
    if (query.keys > 0) dq[(query.token * shape.heads + query.head) * headDim + d] = result[i * stride + d] * of.scale;
  });
}

/// A block a tile of 16 cells: the tokens whose origins they are, for one key head. It goes over all sequences that have any of them, whose queries
/// come in the order of rows, positions and heads. A token stands at the same position of each.
__global__ inline void __launch_bounds__(blockThreads, 1)
    attendKeyGradient(ListedSequences sequences, AttentionCotangent of, float* dk, float* dv) {
  R1_SHARED(GradientTile, tile);
  const AttentionShape& shape = sequences.shape;
  const GradientMemory memory(tile, shape.headDim);
  const int64_t headDim = shape.headDim, stride = memory.stride, kvHead = blockIdx.y;
  float *keyResult = memory.rest, *valueResult = keyResult + tileKeys * stride;

  const int64_t tilesOfRow = (shape.length + tileKeys - 1) / tileKeys;
  const int64_t origin = blockIdx.x / tilesOfRow, first = blockIdx.x % tilesOfRow * tileKeys;
  const int64_t some = shape.length - first < tileKeys ? shape.length - first : tileKeys;
  const auto token = [&](int64_t j) { return sequences.tokenOf[origin * shape.length + first + j]; };
  memory.loadKeys(sequences, origin, first, some);
  forElements(tileKeys, headDim, [&](int64_t j, int64_t d) { keyResult[j * stride + d] = valueResult[j * stride + d] = 0; });

  for (int64_t row = 0; row < shape.rows; row++) {
    bool any = false;
    const auto isIn = [&](int64_t j) { return j < some && token(j) >= 0 && sequences.places[row * shape.length + first + j] == token(j); };
    for (int64_t j = 0; j < tileKeys; j++) any |= isIn(j);
    if (!any) continue;  // all threads, for they all read the same
    if (threadIdx.x < tileKeys) tile.isThere[threadIdx.x] = isIn(threadIdx.x);
    for (int64_t position = first; position < shape.length; position += sequences.cells()) {
      for (int64_t part = 0; part < sequences.tiles.count; part++) {
        if (threadIdx.x < tileQueries) tile.queries[threadIdx.x] = sequences.queryAt(row, position, kvHead, part, int(threadIdx.x));
        __syncthreads();
        memory.loadQueries(of, shape.heads);
        __syncthreads();
        memory.weigh(first);
        __syncthreads();
        forElements(tileKeys, headDim, [&](int64_t j, int64_t d) {
          float key = keyResult[j * stride + d], value = valueResult[j * stride + d];
          for (int i = 0; i < tileQueries; i++) {
            key = fmaf(tile.ds[i][j], memory.query[i * stride + d], key);
            value = fmaf(tile.p[i][j], memory.cotangent[i * stride + d], value);
          }
          keyResult[j * stride + d] = key;
          valueResult[j * stride + d] = value;
        });
        __syncthreads();
      }
    }
  }
  forElements(some, headDim, [&](int64_t j, int64_t d) {
    if (token(j) < 0) return;
    const int64_t to = (token(j) * shape.kvHeads + kvHead) * headDim + d;
    dk[to] = keyResult[j * stride + d];
    dv[to] = valueResult[j * stride + d];
  });
}

}  // namespace r1::cuda
