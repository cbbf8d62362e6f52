#include "../kernels/kernels.h"
#include "attention-heads.h"
#include "ops.h"

namespace r1 {

/// Attention of a list of tokens over their sequences, as in trainer/nn/attention.ts.
const Op attentionOp{
    "Attention",
    {{"q", f32}, {"k", f32}, {"v", f32}, {"places", i64}, {"origins", i64}},
    {{"out", f32}, {"lse", f32}},
    [](const Call& call) {
      const Input q = call.input(0), k = call.input(1), v = call.input(2);
      const Input places = call.input(3), origins = call.input(4);
      const AttentionShape shape = attentionShape(q, k, v, places, origins);
      attention(shape, q.floats(), k.floats(), v.floats(), places.integers(), origins.integers(),
                call.output(0, q.dims), call.output(1, {shape.tokens, shape.heads}));
    },
};

const Op attentionGradientOp{
    "AttentionGradient",
    {{"q", f32}, {"k", f32}, {"v", f32}, {"places", i64}, {"origins", i64}, {"out", f32}, {"lse", f32}, {"g", f32}},
    {{"dq", f32}, {"dk", f32}, {"dv", f32}},
    [](const Call& call) {
      const Input q = call.input(0), k = call.input(1), v = call.input(2);
      const Input places = call.input(3), origins = call.input(4);
      const Input out = call.input(5), lse = call.input(6), g = call.input(7);
      const AttentionShape shape = attentionShape(q, k, v, places, origins);
      out.expect(q.dims);
      lse.expect({shape.tokens, shape.heads});
      g.expect(q.dims);
      attentionGradient(shape, q.floats(), k.floats(), v.floats(), places.integers(), origins.integers(), out.floats(),
                        lse.floats(), g.floats(), call.output(0, q.dims), call.output(1, k.dims),
                        call.output(2, k.dims));
    },
};

}  // namespace r1
