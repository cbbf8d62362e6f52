#include "../kernels/kernels.h"
#include "op.h"
#include "ops.h"

namespace r1 {

/// y = x·wᵀ (+ c): x [m, k], w [n, k], c [m, n]
const Op linearOp{
    "Linear",
    {{"x", f32}, {"w", f32}, {"c", f32, true}},
    {{"y", f32}},
    [](const Call& call) {
      const Input x = call.input(0), w = call.input(1);
      x.expectRank(2);
      w.expectRank(2);
      const int64_t m = x.dims[0], k = x.dims[1], n = w.dims[0];
      w.expect({n, k});
      const float* c = call.optionalFloats(2, {m, n});
      linear(x.floats(), w.floats(), c, call.output(0, {m, n}), m, n, k);
    },
};

}  // namespace r1
