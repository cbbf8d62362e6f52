// Memory that the kernels work in: kept by each thread from one call to the next, grown when a call needs more.
#pragma once

#include <cstddef>
#include <cstdint>

namespace r1 {

/// Pieces that one kernel uses at the same time, and the layer that calls several.
enum class Scratch : int {
  roundedRows,
  rowsSideBySide,
  weights,
  panels,
  wideWeights,
  cells,
  counts,
  queries,
  cotangents,
  keyColumns,
  keyRows,
  valueColumns,
  valueRows,
  scores,
  products,
  sums,
  results,
  workspace,
  layer,
  pieces,  // how many there are
};

/// Aligned to 64 bytes; holds whatever the last user left.
void* scratchBytes(Scratch piece, size_t bytes);

template <class T>
static inline T* scratch(Scratch piece, int64_t count) {
  return static_cast<T*>(scratchBytes(piece, size_t(count) * sizeof(T)));
}

}  // namespace r1
