// The kernels: functions on the memory of tensors, all matrices row-major, nothing owned and nothing kept but scratch memory of the calling
// thread. They are compiled for CPUs, one thread each (here), and as launches of CUDA kernels (../cuda/kernels.cc). So callers give what lies in
// tensors as it lies there, single numbers too.
//
// The law of bits: a row's result depends on the row's own data alone — not on how many rows there are, on what the others
// hold, on how the work is cut, or on where the memory begins. Bits differ between instruction sets.
#pragma once

#include <cstddef>
#include <cstdint>

namespace r1 {

/// Instruction set the kernels were chosen for: "avx512", "avx2", "generic" …
const char* instructionSet();

// ----------------------------------------------------------------------------------------------------------- memory

/// Whether the calling code may read what lies in tensors: not that on a device.
bool tensorsAreReadable();

/// From now on this thread's kernels run on that stream of CUDA's, one after the other; those of CPUs have none.
void runOn(void* stream);

/// What kernels that were called before have written is copied or cleared, and those called later find it so.
void copyBytes(void* to, const void* from, size_t count);
void clearBytes(void* memory, size_t count);

// ---------------------------------------------------------------------------------------------------- linear layers

/// y = x·wᵀ (+ c): x [m, k], w [n, k] as in a Hugging Face file, c and y [m, n]. c may be null, and may be y itself.
void linear(const float* x, const float* w, const float* c, float* y, int64_t m, int64_t n, int64_t k);

/// The same with w in bfloat16 (the upper halves of float32) and x rounded to it, summed in float32.
void linearBf16(const float* x, const uint16_t* w, const float* c, float* y, int64_t m, int64_t n, int64_t k);

/// w [n, k], n a multiple of 16, in panels of 16 rows each, whose elements p lie side by side: panels [n/16, k, 16].
void linearPanels(const float* w, float* panels, int64_t n, int64_t k);

/// `linear` of weights in such panels, with its bits.
void linearPacked(const float* x, const float* panels, const float* c, float* y, int64_t m, int64_t n, int64_t k);

/// w [n, k], n a multiple of 32 and k of 2, in panels of 32 rows each, two neighbours at a time: panels [n/32, k/2, 32, 2].
void linearPanelsBf16(const uint16_t* w, uint16_t* panels, int64_t n, int64_t k);

/// `linearBf16` of weights in such panels, with its bits.
void linearPackedBf16(const float* x, const uint16_t* panels, const float* c, float* y, int64_t m, int64_t n, int64_t k);

/// dx = g·w (+ c): g [m, n], w [n, k], c and dx [m, k]. c may be null, and may be dx itself.
void linearInputGradient(const float* g, const float* w, const float* c, float* dx, int64_t m, int64_t n, int64_t k);

/// dw += gᵀ·x: g [m, n], x [m, k], dw [n, k]. Rows are added in ascending order; where a library multiplies, it adds up those of a call
/// first, in an order that the shapes decide.
void linearWeightGradient(const float* g, const float* x, float* dw, int64_t m, int64_t n, int64_t k);

/// Both with w in bfloat16 and the other factors rounded to it, summed in float32.
void linearInputGradientBf16(const float* g, const uint16_t* w, const float* c, float* dx, int64_t m, int64_t n,
                             int64_t k);
void linearWeightGradientBf16(const float* g, const float* x, float* dw, int64_t m, int64_t n, int64_t k);

// -------------------------------------------------------------------------------------------------------- attention

/// A list of T tokens, and the grid of sequences they stand in. Tokens that several sequences share are in the list once; each has them at
/// the same positions.
struct AttentionShape {
  int64_t tokens;   ///< T
  int64_t rows;     ///< sequences
  int64_t length;   ///< cells of a row; sequences are padded on the right, with any token
  int64_t heads;    ///< of the queries, a multiple of kvHeads
  int64_t kvHeads;  ///< query heads h · heads/kvHeads … share key head h
  int64_t headDim;
};

/// Causal grouped-query attention, softmax(q·kᵀ / √headDim)·v: token t sees the tokens places[row, 0 … position].
///
/// @param q [T, heads, headDim]
/// @param k, v [T, kvHeads, headDim]
/// @param places [rows, length] the token in each cell
/// @param origins [T] the cell, row · length + position, whose result a token takes; no two tokens have the same
/// @param out [T, heads, headDim]
/// @param lse [T, heads] ln Σ exp(score), which the gradient wants; may be null
void attention(const AttentionShape& shape, const float* q, const float* k, const float* v, const int64_t* places,
               const int64_t* origins, float* out, float* lse);

/// Gradients of `attention`, whose inputs and outputs it takes; g [T, heads, headDim] is the cotangent of out. Writes dq, and
/// dk and dv: sums over all queries in the order of their cells.
void attentionGradient(const AttentionShape& shape, const float* q, const float* k, const float* v,
                       const int64_t* places, const int64_t* origins, const float* out, const float* lse,
                       const float* g, float* dq, float* dk, float* dv);

/// Positions of a block of the cache.
constexpr int64_t cacheBlock = 16;

/// Keys and values of the sequences being decoded, one layer, in blocks that a table gives to the sequences. What several of
/// them begin with may be there once.
///
///   keys   [blocks, kvHeads, headDim, 16]  the positions of a block are columns
///   values [blocks, kvHeads, 16, headDim]
///   table  [rows, columns]                 position p of a row lies in block table[row, p / 16]
struct CacheShape {
  int64_t rows;
  int64_t heads;  ///< of the queries, a multiple of kvHeads
  int64_t kvHeads;
  int64_t headDim;
  int64_t columns;
};

/// Attention of one new token per row. Its key and value are first written into the cache, at the row's position; then it
/// sees the positions 0 … position. The bits are those of `attention` over the whole sequence.
///
/// @param q [rows, heads, headDim]
/// @param k, v [rows, kvHeads, headDim] of the new tokens
/// @param positions [rows] below 16 · columns; no other row has the block that a row writes to
/// @param out [rows, heads, headDim]
void cachedAttention(const CacheShape& shape, const float* q, const float* k, const float* v, const int64_t* positions,
                     const int64_t* table, float* keys, float* values, float* out);

/// The same over a cache in bfloat16, for which keys and values are rounded. The bits are those of `attention` over rounded ones.
void cachedAttentionBf16(const CacheShape& shape, const float* q, const float* k, const float* v, const int64_t* positions,
                         const int64_t* table, uint16_t* keys, uint16_t* values, float* out);

// -------------------------------------------------------------------------------------------------------- optimizer

/// Factors of an update: `adamwFactors` in trainer/optim/adamw.ts.
struct AdamW {
  float gradientScale;  ///< clipping
  float beta1, rest1;   ///< of the first moment, and 1 − beta1
  float beta2, rest2;   ///< of the second
  float decay;          ///< learning rate · weight decay
  float rate;           ///< learning rate ÷ bias correction of the first moment
  float correction;     ///< 1 ÷ √(bias correction of the second)
  float epsilon;
};

/// One AdamW update of n parameters and their moments in place, with the operations of trainer/optim/adamw-program.ts in their order,
/// so with its bits.
void adamw(const AdamW* factors, float* parameters, float* m, float* v, const float* gradient, int64_t n);

/// table[rows[i]] += updates[i], in the order of i: rows [n], updates [n, d].
void addRows(float* table, const int64_t* rows, const float* updates, int64_t n, int64_t d);

/// sum = Σ x² in float64.
void sumOfSquares(const float* x, double* sum, int64_t n);

// ------------------------------------------------------------------------------------------- what stands between them

/// y = x · r · weight with r = 1/√(mean(x²) + epsilon), per row: x, y [m, d], weight [d], epsilon [], r [m] (may be null).
void rmsNorm(const float* x, const float* weight, const float* epsilon, float* y, float* r, int64_t m, int64_t d);

/// dx = r·weight∘g − x·r³·(g∘x·weight)/d (+ c), per row: c [m, d] may be null, or dx.
void rmsNormInputGradient(const float* g, const float* x, const float* weight, const float* r, const float* c, float* dx,
                          int64_t m, int64_t d);

/// dweight += Σ_rows r·g∘x, in ascending order.
void rmsNormWeightGradient(const float* g, const float* x, const float* r, float* dweight, int64_t m, int64_t d);

/// y = x rounded to bfloat16, n elements.
void roundBf16(const float* x, float* y, int64_t n);

/// y = silu(gate)∘up, n elements.
void swiglu(const float* gate, const float* up, float* y, int64_t n);

/// With s = sigmoid(gate): dgate = g∘up∘s∘(1 + gate∘(1 − s)), dup = g∘gate∘s. Either may be the input of its name.
void swigluGradient(const float* gate, const float* up, const float* g, float* dgate, float* dup, int64_t n);

/// Rotates the halves (x[i], x[i + headDim/2]) of every head: x, y [m, heads, headDim], y may be x; positions [m];
/// cos, sin [positions, headDim/2]. `direction` −1 rotates back, which is the gradient.
void rotary(const float* x, const int64_t* positions, const float* cos, const float* sin, float direction, float* y,
            int64_t m, int64_t heads, int64_t headDim);

/// `rotary` of the `rmsNorm` of each head, with its bits: weight [headDim], epsilon [], r [m, heads].
void normalizedRotary(const float* x, const float* weight, const float* epsilon, const int64_t* positions, const float* cos,
                      const float* sin, float* y, float* r, int64_t m, int64_t heads, int64_t headDim);

/// y += bias of each row: y [m, n], bias [n].
void addBias(float* y, const float* bias, int64_t m, int64_t n);

}  // namespace r1
