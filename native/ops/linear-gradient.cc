#include <cstring>

#include "../kernels/kernels.h"
#include "ops.h"

namespace r1 {

/// dx = g·w (+ c): g [m, n], w [n, k], c [m, k]
const Op linearInputGradientOp{
    "LinearInputGradient",
    {{"g", f32}, {"w", f32}, {"c", f32, true}},
    {{"dx", f32}},
    [](const Call& call) {
      const Input g = call.input(0), w = call.input(1);
      g.expectRank(2);
      w.expectRank(2);
      const int64_t m = g.dims[0], n = g.dims[1], k = w.dims[1];
      w.expect({n, k});
      const float* c = call.optionalFloats(2, {m, k});
      linearInputGradient(g.floats(), w.floats(), c, call.output(0, {m, k}), m, n, k);
    },
};

/// dw = gᵀ·x (+ c): g [m, n], x [m, k], c [n, k], which may lie where dw does
const Op linearWeightGradientOp{
    "LinearWeightGradient",
    {{"g", f32}, {"x", f32}, {"c", f32, true}},
    {{"dw", f32}},
    [](const Call& call) {
      const Input g = call.input(0), x = call.input(1);
      g.expectRank(2);
      x.expectRank(2);
      const int64_t m = g.dims[0], n = g.dims[1], k = x.dims[1];
      x.expect({m, k});
      float* dw;
      if (call.has(2)) {
        const Input sum = call.input(2);
        sum.expect({n, k});
        dw = call.changed(0, sum);
      } else {
        dw = call.output(0, {n, k});
        std::memset(dw, 0, sizeof(float) * n * k);
      }
      linearWeightGradient(g.floats(), x.floats(), dw, m, n, k);
    },
};

}  // namespace r1
