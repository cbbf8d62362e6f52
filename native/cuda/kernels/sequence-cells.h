// Lists of tokens as a library of attention wants them: whole sequences in bfloat16, each with as many cells as every other.
#pragma once

#include "../../kernels/kernels.h"
#include "numbers.h"
#include "threads.h"

namespace r1::cuda {

/// Sequences whose cells are those of a list, and empty ones behind them.
struct SequenceCells {
  int64_t rows;
  int64_t listed;  ///< cells of a row of the list
  int64_t length;  ///< of the library's, at least as many

  __host__ __device__ int64_t count() const { return rows * length; }
  /// The cell of the list, or −1.
  __device__ int64_t inList(int64_t cell) const { return cell % length < listed ? cell / length * listed + cell % length : -1; }
  __device__ int64_t ofList(int64_t cell) const { return cell / listed * length + cell % listed; }
};

/// Of a query that is none: no exponential is left of any score.
constexpr float logSumOfNobody = 1e4f;

/// to [rows, length, n] = x [tokens, n] of the token that a cell has, zeros where it has none.
///
/// @param tokenAt [rows, listed] the token in each cell, or −1
__global__ inline void __launch_bounds__(blockThreads, 1)
    toCells(const float* x, const int64_t* tokenAt, SequenceCells cells, uint16_t* to, int64_t n) {
  const int64_t i = globalThread();
  if (i >= cells.count() * n) return;
  const int64_t cell = cells.inList(i / n), token = cell < 0 ? -1 : tokenAt[cell];
  to[i] = token < 0 ? 0 : upperHalf(x[token * n + i % n]);
}

/// to [rows, heads, length] = logSums [tokens, heads]
__global__ inline void __launch_bounds__(blockThreads, 1)
    logSumsToCells(const float* logSums, const int64_t* tokenAt, SequenceCells cells, float* to, int64_t heads) {
  const int64_t i = globalThread();
  if (i >= cells.count() * heads) return;
  const int64_t row = i / cells.length / heads, head = i / cells.length % heads;
  const int64_t cell = cells.inList(row * cells.length + i % cells.length), token = cell < 0 ? -1 : tokenAt[cell];
  to[i] = token < 0 ? logSumOfNobody : logSums[token * heads + head];
}

/// x [tokens, n] = from [rows, length, n] of the cell that a token comes from.
__global__ inline void __launch_bounds__(blockThreads, 1)
    fromCells(const uint16_t* from, const int64_t* origins, SequenceCells cells, float* x, int64_t tokens, int64_t n) {
  const int64_t i = globalThread();
  if (i < tokens * n) x[i] = widened(from[cells.ofList(origins[i / n]) * n + i % n]);
}

/// logSums [tokens, heads] = from [rows, heads, length]
__global__ inline void __launch_bounds__(blockThreads, 1)
    logSumsFromCells(const float* from, const int64_t* origins, SequenceCells cells, float* logSums, int64_t tokens, int64_t heads) {
  const int64_t i = globalThread();
  if (i >= tokens * heads) return;
  const int64_t cell = origins[i / heads];
  logSums[i] = from[(cell / cells.listed * heads + i % heads) * cells.length + cell % cells.listed];
}

/// x [tokens, n] = Σ over the sequences that have a token, in their order, of from [rows, length, n].
__global__ inline void __launch_bounds__(blockThreads, 1) sumsFromCells(const uint16_t* from, const int64_t* places, const int64_t* origins,
                                                                        SequenceCells cells, float* x, int64_t tokens, int64_t n) {
  const int64_t i = globalThread();
  if (i >= tokens * n) return;
  const int64_t token = i / n, position = origins[token] % cells.listed;
  float sum = 0;
  for (int64_t row = 0; row < cells.rows; row++) {
    if (places[row * cells.listed + position] == token) sum += widened(from[(row * cells.length + position) * n + i % n]);
  }
  x[i] = sum;
}

}  // namespace r1::cuda
