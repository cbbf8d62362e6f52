#include "../kernels/kernels.h"
#include "ops.h"

namespace r1 {

/// One update of n parameters and their moments: factors are those of trainer/optim/adamw.ts.
const Op adamwOp{
    "AdamW",
    {{"parameters", f32}, {"m", f32}, {"v", f32}, {"gradient", f32}, {"factors", f32}},
    {{"parameters", f32}, {"m", f32}, {"v", f32}},
    [](const Call& call) {
      const Input parameters = call.input(0), m = call.input(1), v = call.input(2), gradient = call.input(3);
      const Input factors = call.input(4);
      parameters.expectRank(1);
      for (const Input& like : {m, v, gradient}) like.expect(parameters.dims);
      static_assert(sizeof(AdamW) == 9 * sizeof(float));
      factors.expect({9});
      adamw(reinterpret_cast<const AdamW*>(factors.floats()), call.changed(0, parameters), call.changed(1, m),
            call.changed(2, v), gradient.floats(), parameters.elements());
    },
};

}  // namespace r1
