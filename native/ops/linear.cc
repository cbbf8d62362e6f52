#include "../kernels/kernels.h"
#include "linear-call.h"
#include "ops.h"

namespace r1 {

constexpr int64_t panelWidth = 16;

const Op linearOp{
    "Linear",
    {{"x", f32}, {"w", f32}, {"c", f32, true}},
    {{"y", f32}},
    callLinear<linear, &Input::floats>,
};

/// x is rounded to bfloat16
const Op linearBf16Op{
    "LinearBf16",
    {{"x", f32}, {"w", bf16}, {"c", f32, true}},
    {{"y", f32}},
    callLinear<linearBf16, &Input::halves>,
};

/// w as panels, the rows of each side by side: w [n/16, 16, k], panels [n/16, k, 16]
const Op linearPanelsOp{
    "LinearPanels",
    {{"w", f32}},
    {{"panels", f32}},
    [](const Call& call) {
      const Input w = call.input(0);
      w.expectRank(3);
      const int64_t panels = w.dims[0], k = w.dims[2];
      w.expect({panels, panelWidth, k});
      linearPanels(w.floats(), call.output(0, {panels, k, panelWidth}), panels * panelWidth, k);
    },
};

/// Linear with weights as panels
const Op linearPackedOp{
    "LinearPacked",
    {{"x", f32}, {"panels", f32}, {"c", f32, true}},
    {{"y", f32}},
    [](const Call& call) {
      const Input x = call.input(0), panels = call.input(1);
      x.expectRank(2);
      panels.expectRank(3);
      const int64_t m = x.dims[0], k = x.dims[1], n = panels.dims[0] * panelWidth;
      panels.expect({panels.dims[0], k, panelWidth});
      const float* c = call.optionalFloats(2, {m, n});
      linearPacked(x.floats(), panels.floats(), c, call.output(0, {m, n}), m, n, k);
    },
};

}  // namespace r1
