// Rows of a table that are added to. A row that occurs several times is added up by one block, in the order of its occurrences.
#pragma once

#include "threads.h"

namespace r1::cuda {

/// next[i]: where the row of i occurs next, or n. A warp each.
__global__ inline void __launch_bounds__(blockThreads, 1) findNext(const int64_t* rows, int64_t* next, int64_t n) {
  const int64_t i = globalWarp();
  if (i >= n) return;
  int64_t found = n;
  for (int64_t first = i + 1; first < n && found == n; first += warpLanes) {
    const int64_t j = first + lane();
    // The largest of their negatives is the first.
    found = -overWarp<Largest>(j < n && rows[j] == rows[i] ? -j : -n);
  }
  if (lane() == 0) next[i] = found;
}

/// isLater[i]: whether the row of i has occurred before. It begins as zeros.
__global__ inline void __launch_bounds__(blockThreads, 1) markLater(const int64_t* next, int64_t* isLater, int64_t n) {
  const int64_t i = globalThread();
  if (i < n && next[i] < n) isLater[next[i]] = 1;
}

/// A block a row that occurs, which begins at its first occurrence.
__global__ inline void __launch_bounds__(blockThreads, 1)
    addOccurrences(float* table, const int64_t* rows, const int64_t* next, const int64_t* isLater, const float* updates, int64_t n, int64_t d) {
  const int64_t first = blockIdx.x;
  if (isLater[first]) return;
  for (int64_t column = threadIdx.x; column < d; column += blockThreads) {
    float sum = table[rows[first] * d + column];
    for (int64_t i = first; i < n; i = next[i]) sum += updates[i * d + column];
    table[rows[first] * d + column] = sum;
  }
}

/// table[rows[i]] += updates[i]: rows [n], updates [n, d]
/// @param links room for 2·n numbers
inline void addRows(float* table, const int64_t* rows, const float* updates, int64_t* links, int64_t n, int64_t d) {
  int64_t *next = links, *isLater = links + n;
  launch(findNext, dim3(blocksFor(n, blockWarps)), dim3(blockThreads), 0, rows, next, n);
  clear(isLater, n * sizeof *isLater);
  launch(markLater, dim3(blocksFor(n)), dim3(blockThreads), 0, next, isLater, n);
  launch(addOccurrences, dim3(unsigned(n)), dim3(blockThreads), 0, table, rows, next, isLater, updates, n, d);
}

}  // namespace r1::cuda
