// The kernels of ../kernels/kernels.h as launches of CUDA kernels. Those of linear layers are in linear.cc.
#include "../kernels/kernels.h"

#include <string>

#include "../kernels/scratch.h"
#include "kernels/attention-gradient.h"
#include "kernels/attention.h"
#include "kernels/elementwise.h"
#include "kernels/optimizer.h"
#include "kernels/rms-norm.h"
#include "kernels/rows.h"
#include "linear-by-library.h"
#include "sequence-attention.h"

namespace r1 {

using namespace cuda;

namespace {

template <class Element>
void cachedAttentionOf(const CacheShape& shape, const float* q, const float* k, const float* v, const int64_t* positions,
                       const int64_t* table, Element* keys, Element* values, float* out) {
  forEach(shape.rows * shape.kvHeads * shape.headDim, writeCache<Element>, shape, k, v, positions, table, keys, values);
  attendAll(CachedSequences<Element>{shape, positions, table, keys, values, HeadTiles(shape.heads, shape.kvHeads)}, q, out, nullptr);
}

}  // namespace

const char* instructionSet() {
  static const std::string name = [] {
    std::string all = hostReadsMemory ? "cuda-on-host" : "cuda";
    if (*libraryOfProducts()) all += std::string("+") + libraryOfProducts();
    if (*libraryOfAttention()) all += std::string("+attention-by-") + libraryOfAttention();
    return all;
  }();
  return name.c_str();
}

bool tensorsAreReadable() { return hostReadsMemory; }
void runOn(void* stream) { useStream(stream); }
void copyBytes(void* to, const void* from, size_t count) { copy(to, from, count); }
void clearBytes(void* memory, size_t count) { clear(memory, count); }

void attention(const AttentionShape& shape, const float* q, const float* k, const float* v, const int64_t* places,
               const int64_t* origins, float* out, float* lse) {
  int64_t* cells = scratch<int64_t>(Scratch::cells, shape.rows * shape.length);
  attendAll(listed(shape, places, origins, k, v, cells), q, out, lse);
}

void attentionGradient(const AttentionShape& shape, const float* q, const float* k, const float* v, const int64_t* places,
                       const int64_t* origins, const float* out, const float* lse, const float* g, float* dq, float* dk, float* dv) {
  const int64_t headDim = shape.headDim, heads = shape.tokens * shape.heads;
  int64_t* cells = scratch<int64_t>(Scratch::cells, shape.rows * shape.length);
  float* products = scratch<float>(Scratch::products, heads);
  const ListedSequences sequences = listed(shape, places, origins, k, v, cells);
  forEachWarp(heads, cotangentProducts, g, out, products, heads, headDim);
  const AttentionCotangent of{q, g, lse, products, 1 / sqrtf(float(headDim))};
  launch(attendQueryGradient, sequences.grid(), dim3(blockThreads), gradientBytes(headDim, tileQueries), sequences, of, dq);
  const dim3 keyTiles(blocksFor(shape.length, tileKeys) * unsigned(shape.rows), unsigned(shape.kvHeads));
  launch(attendKeyGradient, keyTiles, dim3(blockThreads), gradientBytes(headDim, 2 * tileKeys), sequences, of, dk, dv);
}

void cachedAttention(const CacheShape& shape, const float* q, const float* k, const float* v, const int64_t* positions,
                     const int64_t* table, float* keys, float* values, float* out) {
  cachedAttentionOf(shape, q, k, v, positions, table, keys, values, out);
}
void cachedAttentionBf16(const CacheShape& shape, const float* q, const float* k, const float* v, const int64_t* positions,
                         const int64_t* table, uint16_t* keys, uint16_t* values, float* out) {
  cachedAttentionOf(shape, q, k, v, positions, table, keys, values, out);
}

void adamw(const AdamW* factors, float* parameters, float* m, float* v, const float* gradient, int64_t n) {
  forEach(n, update, factors, parameters, m, v, gradient, nullptr, n);
}
void addRows(float* table, const int64_t* rows, const float* updates, int64_t n, int64_t d) {
  cuda::addRows(table, rows, updates, scratch<int64_t>(Scratch::cells, 2 * n), n, d);
}
void sumOfSquares(const float* x, double* sum, int64_t n) {
  const int64_t count = blocksFor(n, squaresOfPart);
  double* parts = scratch<double>(Scratch::sums, count);
  launch(squaresOfParts, dim3(unsigned(count)), dim3(blockThreads), sizeof(OfWarps<double>), x, parts, n);
  launch(sumOfParts, dim3(1), dim3(blockThreads), sizeof(OfWarps<double>), parts, sum, count);
}

void rmsNorm(const float* x, const float* weight, const float* epsilon, float* y, float* r, int64_t m, int64_t d) {
  forEachWarp(m, normalize, x, weight, epsilon, y, r, m, d);
}
void rmsNormInputGradient(const float* g, const float* x, const float* weight, const float* r, const float* c, float* dx, int64_t m,
                          int64_t d) {
  forEachWarp(m, normalizeInputGradient, g, x, weight, r, c, dx, m, d);
}
void rmsNormWeightGradient(const float* g, const float* x, const float* r, float* dweight, int64_t m, int64_t d) {
  const int64_t count = (m + rowsOfPart - 1) / rowsOfPart;
  float* parts = scratch<float>(Scratch::sums, count * d);
  forEach(count * d, normalizeWeightGradientParts, g, x, r, parts, m, d);
  forEach(d, addParts, parts, dweight, count, d);
}
void roundBf16(const float* x, float* y, int64_t n) { forEach(n, roundAll, x, y, n); }
void swiglu(const float* gate, const float* up, float* y, int64_t n) { forEach(n, cuda::gate, gate, up, y, n); }
void swigluGradient(const float* gate, const float* up, const float* g, float* dgate, float* dup, int64_t n) {
  forEach(n, gateGradient, gate, up, g, dgate, dup, n);
}
void rotary(const float* x, const int64_t* positions, const float* cos, const float* sin, float direction, float* y, int64_t m,
            int64_t heads, int64_t headDim) {
  forEach(m * heads * (headDim / 2), rotate, x, positions, cos, sin, direction, y, m, heads, headDim);
}
void normalizedRotary(const float* x, const float* weight, const float* epsilon, const int64_t* positions, const float* cos,
                      const float* sin, float* y, float* r, int64_t m, int64_t heads, int64_t headDim) {
  rmsNorm(x, weight, epsilon, y, r, m * heads, headDim);
  rotary(y, positions, cos, sin, 1, y, m, heads, headDim);
}
void addBias(float* y, const float* bias, int64_t m, int64_t n) { forEach(m * n, addToRows, y, bias, m, n); }

}  // namespace r1
