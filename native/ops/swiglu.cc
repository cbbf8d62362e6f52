#include "../kernels/kernels.h"
#include "ops.h"

namespace r1 {

/// silu(gate)∘up, as in trainer/nn/swiglu.ts: two tensors of one shape
const Op swiGluOp{
    "SwiGlu",
    {{"gate", f32}, {"up", f32}},
    {{"y", f32}},
    [](const Call& call) {
      const Input gate = call.input(0), up = call.input(1);
      up.expect(gate.dims);
      swiglu(gate.floats(), up.floats(), call.output(0, gate.dims), gate.elements());
    },
};

const Op swiGluGradientOp{
    "SwiGluGradient",
    {{"gate", f32}, {"up", f32}, {"g", f32}},
    {{"dgate", f32}, {"dup", f32}},
    [](const Call& call) {
      const Input gate = call.input(0), up = call.input(1), g = call.input(2);
      up.expect(gate.dims);
      g.expect(gate.dims);
      swigluGradient(gate.floats(), up.floats(), g.floats(), call.output(0, gate.dims), call.output(1, gate.dims),
                     gate.elements());
    },
};

}  // namespace r1
