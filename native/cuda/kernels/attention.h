// Causal grouped-query attention as in FlashAttention (arXiv:2205.14135): a block takes a tile of queries through their keys, 16 at a time,
// and keeps of each query the largest score, the sum of exponentials, and the output so far. So nothing of the size of the scores exists.
//
// A query's sums run over its own keys in the order of their positions, whatever else is in its tile and wherever the keys lie: over a cache
// it has the bits of the training pass.
#pragma once

#include "../../kernels/kernels.h"
#include "numbers.h"
#include "threads.h"

namespace r1::cuda {

constexpr int tileQueries = 32, tileKeys = 16;
static_assert(tileKeys == cacheBlock, "a tile of keys is a block of the cache");

/// Query heads of one key head that stand in a tile, and how many tiles it takes for all of them.
struct HeadTiles {
  int group, inTile, count;
  HeadTiles(int64_t heads, int64_t kvHeads)
      : group(int(heads / kvHeads)), inTile(group < tileQueries ? group : tileQueries), count((group + inTile - 1) / inTile) {}
};

/// A query of a tile: of which token and head, and how many keys it sees. 0 keys: there is none.
struct Query {
  int64_t token, head, keys;
};

/// The sequences of a training pass. A tile is some neighbouring cells of a row.
struct ListedSequences {
  AttentionShape shape;
  const int64_t* places;
  const int64_t* tokenOf;  ///< [rows, length] the token that takes a cell's result, or −1
  const float *k, *v;
  HeadTiles tiles;

  static constexpr bool keysAreColumns = false;
  __host__ __device__ int cells() const { return tileQueries / tiles.inTile; }
  __host__ __device__ int64_t tilesOfRow() const { return (shape.length + cells() - 1) / cells(); }
  dim3 grid() const { return {unsigned(shape.rows * tilesOfRow()), unsigned(shape.kvHeads), unsigned(tiles.count)}; }

  /// Query `i` of the tile that begins with position `first` of a row.
  __device__ Query queryAt(int64_t row, int64_t first, int64_t kvHead, int64_t part, int i) const {
    const int64_t position = first + i / tiles.inTile, inGroup = part * tiles.inTile + i % tiles.inTile;
    if (i / tiles.inTile >= cells() || position >= shape.length || inGroup >= tiles.group) return {0, 0, 0};
    const int64_t token = tokenOf[row * shape.length + position];
    return {token, kvHead * tiles.group + inGroup, token < 0 ? 0 : position + 1};
  }
  __device__ Query query(int i) const {
    return queryAt(blockIdx.x / tilesOfRow(), blockIdx.x % tilesOfRow() * cells(), blockIdx.y, blockIdx.z, i);
  }
  __device__ int64_t place(int64_t row, int64_t j) const { return (places[row * shape.length + j] * shape.kvHeads + blockIdx.y) * shape.headDim; }
  __device__ float key(int64_t j, int64_t d) const { return k[place(blockIdx.x / tilesOfRow(), j) + d]; }
  __device__ float value(int64_t j, int64_t d) const { return v[place(blockIdx.x / tilesOfRow(), j) + d]; }
};

/// Sequences that are decoded, over a cache in blocks. A tile is the new token of one.
template <class Element>
struct CachedSequences {
  CacheShape shape;
  const int64_t *positions, *table;
  const Element *keys, *values;
  HeadTiles tiles;

  static constexpr bool keysAreColumns = true;
  dim3 grid() const { return {unsigned(shape.rows), unsigned(shape.kvHeads), unsigned(tiles.count)}; }

  __device__ Query query(int i) const {
    const int64_t inGroup = blockIdx.z * tiles.inTile + i;
    if (i >= tiles.inTile || inGroup >= tiles.group) return {0, 0, 0};
    return {blockIdx.x, blockIdx.y * tiles.group + inGroup, positions[blockIdx.x] + 1};
  }
  __device__ int64_t block(int64_t j) const {
    return (table[blockIdx.x * shape.columns + j / cacheBlock] * shape.kvHeads + blockIdx.y) * cacheBlock * shape.headDim;
  }
  __device__ float key(int64_t j, int64_t d) const { return widened(keys[block(j) + d * cacheBlock + j % cacheBlock]); }
  __device__ float value(int64_t j, int64_t d) const { return widened(values[block(j) + j % cacheBlock * shape.headDim + d]); }
};

/// A float more than a row has: lanes that read one column then read from other banks.
__host__ __device__ inline int64_t sharedStride(int64_t headDim) { return headDim + 1; }

/// Matrices of a block in its shared memory, one behind the other.
class SharedRows {
 public:
  __device__ SharedRows(float* memory, int64_t headDim) : next_(memory), stride_(sharedStride(headDim)) {}
  __device__ float* take(int rows) {
    float* taken = next_;
    next_ += rows * stride_;
    return taken;
  }
  __device__ float* rest() const { return next_; }

 private:
  float* next_;
  int64_t stride_;
};

/// Calls each(row, d) for the elements of `rows` rows, of which each thread has its own. Neighbouring threads take one row's, or one column's.
template <bool byColumns = false, class Each>
__device__ void forElements(int64_t rows, int64_t headDim, Each each) {
  for (int64_t i = threadIdx.x; i < rows * headDim; i += blockThreads) {
    if (byColumns) each(i % rows, i / rows);
    else each(i / headDim, i % headDim);
  }
}

__device__ inline float dot(const float* a, const float* b, int64_t headDim) {
  float sum = 0;
  for (int64_t d = 0; d < headDim; d++) sum = fmaf(a[d], b[d], sum);
  return sum;
}

/// What is kept of the queries of a tile from one tile of keys to the next.
struct RunningSoftmax {
  Query queries[tileQueries];
  float weights[tileQueries][tileKeys + 1];
  float largest[tileQueries], sum[tileQueries], shrink[tileQueries];
};

/// The greatest number of keys that a query of the tile sees. All threads read; nobody writes the queries any more.
__device__ inline int64_t mostKeys(const Query* queries) {
  int64_t most = 0;
  for (int i = 0; i < tileQueries; i++) most = queries[i].keys > most ? queries[i].keys : most;
  return most;
}

/// Turns the scores of a query with the keys from `first` on into weights relative to the largest so far.
__device__ inline void addScores(RunningSoftmax& softmax, int i, int64_t first) {
  const int64_t left = softmax.queries[i].keys - first;
  if (left <= 0) return;
  const int count = left < tileKeys ? int(left) : tileKeys;
  float* weights = softmax.weights[i];
  float largest = softmax.largest[i];
  for (int j = 0; j < count; j++) largest = weights[j] > largest ? weights[j] : largest;
  const float shrink = exponential(softmax.largest[i] - largest);
  float sum = softmax.sum[i] * shrink;
  for (int j = 0; j < count; j++) sum += weights[j] = exponential(weights[j] - largest);
  softmax.largest[i] = largest;
  softmax.sum[i] = sum;
  softmax.shrink[i] = shrink;
}

inline size_t attentionBytes(int64_t headDim) {
  return sizeof(RunningSoftmax) + (2 * tileQueries + 2 * tileKeys) * sharedStride(headDim) * sizeof(float);
}

/// @param q, out [tokens, heads, headDim]
/// @param lse [tokens, heads], or null
template <class Sequences>
__global__ void __launch_bounds__(blockThreads, 1) attend(Sequences sequences, const float* q, float scale, float* out, float* lse) {
  R1_SHARED(RunningSoftmax, softmax);
  const int64_t headDim = sequences.shape.headDim, heads = sequences.shape.heads, stride = sharedStride(headDim);
  SharedRows memory(reinterpret_cast<float*>(&softmax + 1), headDim);
  float *query = memory.take(tileQueries), *result = memory.take(tileQueries), *keys = memory.take(tileKeys), *values = memory.take(tileKeys);
  const auto at = [&](int64_t i) { return (softmax.queries[i].token * heads + softmax.queries[i].head) * headDim; };

  if (threadIdx.x < tileQueries) {
    softmax.queries[threadIdx.x] = sequences.query(int(threadIdx.x));
    softmax.largest[threadIdx.x] = -INFINITY;
    softmax.sum[threadIdx.x] = 0;
  }
  __syncthreads();
  forElements(tileQueries, headDim, [&](int64_t i, int64_t d) {
    query[i * stride + d] = softmax.queries[i].keys > 0 ? q[at(i) + d] * scale : 0;
    result[i * stride + d] = 0;
  });
  const int64_t count = mostKeys(softmax.queries);
  for (int64_t first = 0; first < count; first += tileKeys) {
    const int64_t some = count - first < tileKeys ? count - first : tileKeys;
    forElements<Sequences::keysAreColumns>(some, headDim, [&](int64_t j, int64_t d) { keys[j * stride + d] = sequences.key(first + j, d); });
    forElements(some, headDim, [&](int64_t j, int64_t d) { values[j * stride + d] = sequences.value(first + j, d); });
    __syncthreads();
    for (int i = int(threadIdx.x); i < tileQueries * tileKeys; i += blockThreads) {
      const int of = i / tileKeys, j = i % tileKeys;
      if (first + j < softmax.queries[of].keys) softmax.weights[of][j] = dot(query + of * stride, keys + j * stride, headDim);
    }
    __syncthreads();
    if (threadIdx.x < tileQueries) addScores(softmax, int(threadIdx.x), first);
    __syncthreads();
    forElements(tileQueries, headDim, [&](int64_t i, int64_t d) {
      const int64_t left = softmax.queries[i].keys - first;
      if (left <= 0) return;
      float sum = result[i * stride + d] * softmax.shrink[i];
      for (int64_t j = 0; j < tileKeys && j < left; j++) sum = fmaf(softmax.weights[i][j], values[j * stride + d], sum);
      result[i * stride + d] = sum;
    });
    __syncthreads();
  }
  forElements(tileQueries, headDim, [&](int64_t i, int64_t d) {
    if (softmax.queries[i].keys > 0) out[at(i) + d] = result[i * stride + d] / softmax.sum[i];
  });
  if (lse && threadIdx.x < tileQueries && softmax.queries[threadIdx.x].keys > 0) {
    lse[at(threadIdx.x) / headDim] = float(softmax.largest[threadIdx.x] + log(double(softmax.sum[threadIdx.x])));
  }
}

template <class Sequences>
void attendAll(const Sequences& sequences, const float* q, float* out, float* lse) {
  const int64_t headDim = sequences.shape.headDim;
  launch(attend<Sequences>, sequences.grid(), dim3(blockThreads), attentionBytes(headDim), sequences, q, 1 / sqrtf(float(headDim)), out, lse);
}

__global__ inline void __launch_bounds__(blockThreads, 1) fillCells(int64_t* tokenOf, int64_t cells) {
  if (globalThread() < cells) tokenOf[globalThread()] = -1;
}
__global__ inline void __launch_bounds__(blockThreads, 1) listCells(const int64_t* origins, int64_t* tokenOf, int64_t tokens) {
  if (globalThread() < tokens) tokenOf[origins[globalThread()]] = globalThread();
}

/// tokenOf [rows, length]: the token that takes a cell's result, or −1
inline void listCellsOf(const AttentionShape& shape, const int64_t* origins, int64_t* tokenOf) {
  const int64_t count = shape.rows * shape.length;
  launch(fillCells, dim3(blocksFor(count)), dim3(blockThreads), 0, tokenOf, count);
  launch(listCells, dim3(blocksFor(shape.tokens)), dim3(blockThreads), 0, origins, tokenOf, shape.tokens);
}

/// @param cells room for rows · length numbers
inline ListedSequences listed(const AttentionShape& shape, const int64_t* places, const int64_t* origins, const float* k, const float* v,
                              int64_t* cells) {
  listCellsOf(shape, origins, cells);
  return {shape, places, cells, k, v, HeadTiles(shape.heads, shape.kvHeads)};
}

/// Writes the keys and values of new tokens to their places in the cache: a thread an element.
template <class Element>
__global__ void __launch_bounds__(blockThreads, 1)
    writeCache(CacheShape shape, const float* k, const float* v, const int64_t* positions, const int64_t* table, Element* keys,
               Element* values) {
  const int64_t i = globalThread(), ofRow = shape.kvHeads * shape.headDim;
  if (i >= shape.rows * ofRow) return;
  const int64_t row = i / ofRow, kvHead = i % ofRow / shape.headDim, d = i % shape.headDim, at = positions[row] % cacheBlock;
  const int64_t block = table[row * shape.columns + positions[row] / cacheBlock];
  const int64_t first = (block * shape.kvHeads + kvHead) * cacheBlock * shape.headDim;
  storeAs(keys + first + d * cacheBlock + at, k[i]);
  storeAs(values + first + at * shape.headDim + d, v[i]);
}

}  // namespace r1::cuda
