#include "../kernels/kernels.h"
#include "ops.h"

namespace r1 {
namespace {

/// A tensor as rows along its last axis.
struct Rows {
  int64_t count, width;
  /// One element a row.
  Dims one;

  explicit Rows(const Input& x) : one(x.dims) {
    if (one.empty()) x.expectRank(1);
    width = one.back();
    one.back() = 1;
    count = width == 0 ? 0 : x.elements() / width;
  }
};

}  // namespace

/// Root-mean-square norm along the last axis, as in trainer/ops/normalization.ts: x […, d], weight [d], epsilon []
const Op rmsNormOp{
    "RmsNorm",
    {{"x", f32}, {"weight", f32}, {"epsilon", f32}},
    {{"y", f32}, {"r", f32}},
    [](const Call& call) {
      const Input x = call.input(0), weight = call.input(1), epsilon = call.input(2);
      const Rows rows(x);
      weight.expect({rows.width});
      epsilon.expect({});
      rmsNorm(x.floats(), weight.floats(), epsilon.floats(), call.output(0, x.dims), call.output(1, rows.one),
              rows.count, rows.width);
    },
};

/// The cotangent of x (+ c) from that of y, g […, d]
const Op rmsNormInputGradientOp{
    "RmsNormInputGradient",
    {{"g", f32}, {"x", f32}, {"weight", f32}, {"r", f32}, {"c", f32, true}},
    {{"dx", f32}},
    [](const Call& call) {
      const Input g = call.input(0), x = call.input(1), weight = call.input(2), r = call.input(3);
      const Rows rows(x);
      g.expect(x.dims);
      weight.expect({rows.width});
      r.expect(rows.one);
      const float* c = call.optionalFloats(4, x.dims);
      rmsNormInputGradient(g.floats(), x.floats(), weight.floats(), r.floats(), c, call.output(0, x.dims), rows.count,
                           rows.width);
    },
};

/// The cotangent of weight (+ c): c [d], which may lie where dweight does
const Op rmsNormWeightGradientOp{
    "RmsNormWeightGradient",
    {{"g", f32}, {"x", f32}, {"r", f32}, {"c", f32, true}},
    {{"dweight", f32}},
    [](const Call& call) {
      const Input g = call.input(0), x = call.input(1), r = call.input(2);
      const Rows rows(x);
      g.expect(x.dims);
      r.expect(rows.one);
      float* dweight = call.sum(0, 3, {rows.width});
      rmsNormWeightGradient(g.floats(), x.floats(), r.floats(), dweight, rows.count, rows.width);
    },
};

}  // namespace r1
