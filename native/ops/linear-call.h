// Calls of the kernels for a linear layer's gradients, one for each type of weights: `weights` is how an input gives them.
#pragma once

#include "op.h"

namespace r1 {

/// dx = g·w (+ c): g [m, n], w [n, k], c [m, k]
template <auto kernel, auto weights>
void callLinearInputGradient(const Call& call) {
  const Input g = call.input(0), w = call.input(1);
  g.expectRank(2);
  w.expectRank(2);
  const int64_t m = g.dims[0], n = g.dims[1], k = w.dims[1];
  w.expect({n, k});
  const float* c = call.optionalFloats(2, {m, k});
  kernel(g.floats(), (w.*weights)(), c, call.output(0, {m, k}), m, n, k);
}

/// dw = gᵀ·x (+ c): g [m, n], x [m, k], c [n, k], which may lie where dw does
template <auto kernel>
void callLinearWeightGradient(const Call& call) {
  const Input g = call.input(0), x = call.input(1);
  g.expectRank(2);
  x.expectRank(2);
  const int64_t m = g.dims[0], n = g.dims[1], k = x.dims[1];
  x.expect({m, k});
  kernel(g.floats(), x.floats(), call.sum(0, 2, {n, k}), m, n, k);
}

}  // namespace r1
