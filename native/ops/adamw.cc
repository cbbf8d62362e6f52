#include "../kernels/kernels.h"
#include "ops.h"

namespace r1 {

/// One update of n parameters and their moments: settings are those of trainer/optim/adamw-program.ts.
const Op adamwOp{
    "AdamW",
    {{"parameters", f32}, {"m", f32}, {"v", f32}, {"gradient", f32}, {"settings", f64}},
    {{"parameters", f32}, {"m", f32}, {"v", f32}},
    [](const Call& call) {
      const Input parameters = call.input(0), m = call.input(1), v = call.input(2), gradient = call.input(3);
      const Input settings = call.input(4);
      parameters.expectRank(1);
      for (const Input& like : {m, v, gradient}) like.expect(parameters.dims);
      settings.expect({8});
      const double* s = settings.doubles();
      adamw({s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]}, call.changed(0, parameters), call.changed(1, m),
            call.changed(2, v), gradient.floats(), parameters.elements());
    },
};

}  // namespace r1
