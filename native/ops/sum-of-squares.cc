#include "../kernels/kernels.h"
#include "ops.h"

namespace r1 {

/// sum = Σ x² in float64: x [n], sum [1]
const Op sumOfSquaresOp{
    "SumOfSquares",
    {{"x", f32}},
    {{"sum", f64}},
    [](const Call& call) {
      const Input x = call.input(0);
      x.expectRank(1);
      sumOfSquares(x.floats(), call.output<double>(0, {1}), x.elements());
    },
};

}  // namespace r1
