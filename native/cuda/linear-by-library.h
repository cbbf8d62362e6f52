// Products of linear layers by cuBLASLt, where a process finds it.
#pragma once

#include "linear-product.h"

namespace r1::cuda {

/// A factor as it lies in a tensor: float32, or bfloat16.
struct Factor {
  const void* data;
  bool isHalf;

  Factor(const float* x) : data(x), isHalf(false) {}
  Factor(const uint16_t* x) : data(x), isHalf(true) {}
};

/// Writes the product (+ c, which may be null, or the result itself). Sums are in float32.
///
/// @param inHalves whether both factors are bfloat16: those in float32 are rounded
/// @param a, b the factors in the order of `byColumns`
/// @returns false, with nothing written, where there is no library or it has no algorithm that keeps the law of kernels.h
bool multiplyByLibrary(LinearProduct product, bool inHalves, const Factor& a, const Factor& b, const float* c, float* y,
                       const LinearSizes& sizes);

/// Names the library where it is there, such as "cublaslt130002", else is empty.
const char* libraryOfProducts();

}  // namespace r1::cuda
