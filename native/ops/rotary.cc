#include "../kernels/kernels.h"
#include "ops.h"

namespace r1 {
namespace {

/// Checks that x [m, …], positions [m, 1] and the tables cos and sin [length, headDim/2] fit.
struct Rotation {
  int64_t m, heads, headDim;

  Rotation(const Input& x, const Input& positions, const Input& cos, const Input& sin) {
    cos.expectRank(2);
    sin.expect(cos.dims);
    m = x.dims.empty() ? 0 : x.dims[0];
    headDim = 2 * cos.dims[1];
    heads = m == 0 || headDim == 0 ? 0 : x.elements() / m / headDim;
    positions.expect({m, 1});
    positions.expectBelow(cos.dims[0]);
  }
};

}  // namespace

/// Rotary position embedding of heads, as in trainer/nn/rotated-heads.ts: x [m, heads·headDim] → y [m, heads, headDim]
const Op rotaryOp{
    "Rotary",
    {{"x", f32}, {"positions", i64}, {"cos", f32}, {"sin", f32}},
    {{"y", f32}},
    [](const Call& call) {
      const Input x = call.input(0), positions = call.input(1), cos = call.input(2), sin = call.input(3);
      const auto [m, heads, headDim] = Rotation(x, positions, cos, sin);
      x.expect({m, heads * headDim});
      rotary(x.floats(), positions.integers(), cos.floats(), sin.floats(), 1, call.output(0, {m, heads, headDim}), m,
             heads, headDim);
    },
};

/// The same of the norm of each head: weight [headDim], epsilon []; also puts out the norm's r [m, heads, 1]
const Op normalizedRotaryOp{
    "NormalizedRotary",
    {{"x", f32}, {"positions", i64}, {"cos", f32}, {"sin", f32}, {"weight", f32}, {"epsilon", f32}},
    {{"y", f32}, {"r", f32}},
    [](const Call& call) {
      const Input x = call.input(0), positions = call.input(1), cos = call.input(2), sin = call.input(3);
      const Input weight = call.input(4), epsilon = call.input(5);
      const auto [m, heads, headDim] = Rotation(x, positions, cos, sin);
      x.expect({m, heads * headDim});
      weight.expect({headDim});
      epsilon.expect({});
      normalizedRotary(x.floats(), weight.floats(), epsilon.floats(), positions.integers(), cos.floats(), sin.floats(),
                       call.output(0, {m, heads, headDim}), call.output(1, {m, heads, 1}), m, heads, headDim);
    },
};

/// Rotates the cotangent g [m, heads, headDim] back
const Op rotaryGradientOp{
    "RotaryGradient",
    {{"g", f32}, {"positions", i64}, {"cos", f32}, {"sin", f32}},
    {{"dx", f32}},
    [](const Call& call) {
      const Input g = call.input(0), positions = call.input(1), cos = call.input(2), sin = call.input(3);
      const auto [m, heads, headDim] = Rotation(g, positions, cos, sin);
      g.expect({m, heads, headDim});
      rotary(g.floats(), positions.integers(), cos.floats(), sin.floats(), -1, call.output(0, g.dims), m, heads,
             headDim);
    },
};

}  // namespace r1
