#include <cstring>

#include "../kernels/kernels.h"
#include "op.h"
#include "ops.h"

namespace r1 {

/// y = x·wᵀ (+ c): x [m, k], rounded to bfloat16, w [n, k], c [m, n]
const Op linearBf16Op{
    "LinearBf16",
    {{"x", f32}, {"w", bf16}, {"c", f32, true}},
    {{"y", f32}},
    [](const Call& call) {
      const Input x = call.input(0), w = call.input(1);
      x.expectRank(2);
      w.expectRank(2);
      const int64_t m = x.dims[0], k = x.dims[1], n = w.dims[0];
      w.expect({n, k});
      const float* c = call.optionalFloats(2, {m, n});
      linearBf16(x.floats(), w.halves(), c, call.output(0, {m, n}), m, n, k);
    },
};

/// dx = g·w (+ c): g [m, n], rounded to bfloat16, w [n, k], c [m, k]
const Op linearInputGradientBf16Op{
    "LinearInputGradientBf16",
    {{"g", f32}, {"w", bf16}, {"c", f32, true}},
    {{"dx", f32}},
    [](const Call& call) {
      const Input g = call.input(0), w = call.input(1);
      g.expectRank(2);
      w.expectRank(2);
      const int64_t m = g.dims[0], n = g.dims[1], k = w.dims[1];
      w.expect({n, k});
      const float* c = call.optionalFloats(2, {m, k});
      linearInputGradientBf16(g.floats(), w.halves(), c, call.output(0, {m, k}), m, n, k);
    },
};

/// dw = gᵀ·x (+ c): g [m, n], x [m, k], both rounded to bfloat16, c [n, k], which may lie where dw does
const Op linearWeightGradientBf16Op{
    "LinearWeightGradientBf16",
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
      linearWeightGradientBf16(g.floats(), x.floats(), dw, m, n, k);
    },
};

}  // namespace r1
