// The three products of a linear layer with weights w [n, k], and how a library is told of them that has matrices by columns.
#pragma once

#include <cstdint>

namespace r1::cuda {

enum class LinearProduct {
  output,          ///< y = x·wᵀ: x [m, k], y [m, n]
  inputGradient,   ///< dx = g·w: g [m, n], dx [m, k]
  weightGradient,  ///< dw = gᵀ·x
};

struct LinearSizes {
  int64_t m, n, k;
};

/// A matrix by columns, which lie one behind the other. One of ours by rows, [columns, rows], is the same memory.
struct ColumnLayout {
  int64_t rows, columns;
};

/// d = a·b, each transposed first where it says so.
struct ColumnProduct {
  bool isTransposedA, isTransposedB;
  ColumnLayout a, b, d;
};

/// By columns all of ours are transposed, so a product's factors change places: yᵀ = w·xᵀ, dxᵀ = wᵀ·gᵀ, dwᵀ = xᵀ·g.
inline ColumnProduct byColumns(LinearProduct product, const LinearSizes& sizes) {
  const ColumnLayout w{sizes.k, sizes.n}, x{sizes.k, sizes.m}, y{sizes.n, sizes.m};
  switch (product) {
    case LinearProduct::output: return {true, false, w, x, y};
    case LinearProduct::inputGradient: return {false, false, w, y, x};
    case LinearProduct::weightGradient: return {false, true, x, y, w};
  }
  return {};
}

}  // namespace r1::cuda
