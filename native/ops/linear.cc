#include "../kernels/kernels.h"
#include "linear-weights.h"
#include "ops.h"

namespace r1 {
namespace {

/// y = x·wᵀ (+ c): x [m, k], w [n, k] or panels of it, as `rank` says, c [m, n]
template <class Weights, size_t rank>
void callLinear(const Call& call) {
  const Input x = call.input(0), given = call.input(1);
  x.expectRank(2);
  given.expectRank(rank);
  const int64_t m = x.dims[0];
  const Weights w(given, x.dims[1]);
  w.multiply(x.floats(), call.optionalFloats(2, {m, w.outputs}), call.output(0, {m, w.outputs}), m);
}

}  // namespace

const Op linearOp{
    "Linear",
    {{"x", f32}, {"w", f32}, {"c", f32, true}},
    {{"y", f32}},
    callLinear<Float32Weights, 2>,
};

/// x is rounded to bfloat16
const Op linearBf16Op{
    "LinearBf16",
    {{"x", f32}, {"w", bf16}, {"c", f32, true}},
    {{"y", f32}},
    callLinear<BFloat16Weights, 2>,
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
    callLinear<Float32Weights, 3>,
};

/// w in bfloat16 as panels of 32 rows, two neighbours at a time: w [n/32, 32, k], panels [n/32, k/2, 32, 2]
const Op linearPanelsBf16Op{
    "LinearPanelsBf16",
    {{"w", bf16}},
    {{"panels", bf16}},
    [](const Call& call) {
      const Input w = call.input(0);
      w.expectRank(3);
      const int64_t panels = w.dims[0], k = w.dims[2];
      w.expect({panels, wordPanelWidth, k / 2 * 2});
      uint16_t* to = call.output<uint16_t>(0, {panels, k / 2, wordPanelWidth, 2});
      linearPanelsBf16(w.halves(), to, panels * wordPanelWidth, k);
    },
};

/// LinearBf16 with weights as panels
const Op linearPackedBf16Op{
    "LinearPackedBf16",
    {{"x", f32}, {"panels", bf16}, {"c", f32, true}},
    {{"y", f32}},
    callLinear<BFloat16Weights, 4>,
};

}  // namespace r1
