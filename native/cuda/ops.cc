// Ops that only libraries over the kernels for CUDA have. Where a processor computes, what they do is the function of their name in the program,
// or a loop of the trainer's.
#include "../ops/ops.h"

#include "../kernels/kernels.h"
#include "../kernels/scratch.h"
#include "../ops/attention-heads.h"
#include "kernels/cache.h"
#include "kernels/optimizer.h"
#include "kernels/sampling.h"
#include "kernels/token-probability.h"
#include "sequence-attention.h"

namespace r1 {

using namespace cuda;

namespace {

/// One update as of AdamW, and the parameters rounded to bfloat16.
const Op adamwRoundedOp{
    "AdamWRounded",
    {{"parameters", f32}, {"m", f32}, {"v", f32}, {"gradient", f32}, {"factors", f32}},
    {{"parameters", f32}, {"m", f32}, {"v", f32}, {"rounded", bf16}},
    [](const Call& call) {
      const Input parameters = call.input(0), m = call.input(1), v = call.input(2), gradient = call.input(3), factors = call.input(4);
      parameters.expectRank(1);
      for (const Input& like : {m, v, gradient}) like.expect(parameters.dims);
      factors.expect({sizeof(AdamW) / sizeof(float)});
      float *p = call.changed(0, parameters), *nextM = call.changed(1, m), *nextV = call.changed(2, v);
      uint16_t* rounded = call.output<uint16_t>(3, parameters.dims);
      const int64_t n = parameters.elements();
      forEach(n, update, reinterpret_cast<const AdamW*>(factors.floats()), p, nextM, nextV, gradient.floats(), rounded, n);
    },
};

/// Keys and values of tokens [tokens, kvHeads, headDim] into blocks of the cache: no two have the same block and offset. The cache that is put
/// out may be the one that is read.
template <class Element>
void writeIntoCache(const Call& call) {
  const Input k = call.input(0), v = call.input(1), block = call.input(2), offset = call.input(3), keys = call.input(4), values = call.input(5);
  const auto [tokens, heads, kvHeads, headDim] = AttentionHeads(k, k, v);
  block.expect({tokens});
  offset.expect({tokens});
  values.expectRank(2);
  const int64_t blocks = values.dims[0] / (kvHeads * cacheBlock);
  values.expect({blocks * kvHeads * cacheBlock, headDim});
  keys.expect({blocks * kvHeads * cacheBlock * headDim});
  block.expectBelow(blocks);
  offset.expectBelow(cacheBlock);
  Element *nextKeys = call.changed<Element>(0, keys), *nextValues = call.changed<Element>(1, values);
  writePrompts(k.floats(), v.floats(), block.integers(), offset.integers(), nextKeys, nextValues, tokens, kvHeads, headDim);
}
const Op intoCacheOp{
    "IntoCache",
    {{"k", f32}, {"v", f32}, {"block", i64}, {"offset", i64}, {"keys", f32}, {"values", f32}},
    {{"keys", f32}, {"values", f32}},
    writeIntoCache<float>,
};
const Op intoCacheBf16Op{
    "IntoCacheBf16",
    {{"k", f32}, {"v", f32}, {"block", i64}, {"offset", i64}, {"keys", bf16}, {"values", bf16}},
    {{"keys", bf16}, {"values", bf16}},
    writeIntoCache<uint16_t>,
};

/// p = softmax(logits), [rows, V] each, and the probability of a target in each row.
const Op tokenProbabilityOp{
    "TokenProbability",
    {{"logits", f32}, {"targets", i64}},
    {{"p", f32}, {"prob", f32}},
    [](const Call& call) {
      const Input logits = call.input(0), targets = call.input(1);
      logits.expectRank(2);
      const int64_t rows = logits.dims[0], vocabulary = logits.dims[1];
      targets.expect({rows});
      targets.expectBelow(vocabulary);
      tokenProbability(logits.floats(), targets.integers(), call.output(0, logits.dims), call.output(1, {rows}), rows, vocabulary);
    },
};

/// p = softmax(logits), [rows, V], with the bits of TokenProbability.
const Op distributionOp{
    "Distribution",
    {{"logits", f32}},
    {{"p", f32}},
    [](const Call& call) {
      const Input logits = call.input(0);
      logits.expectRank(2);
      tokenProbability(logits.floats(), nullptr, call.output(0, logits.dims), nullptr, logits.dims[0], logits.dims[1]);
    },
};

/// Tokens [n] of some rows of prob [rows, V], and their probabilities: without u the most likely, without topK and topP from all.
const Op sampleOp{
    "Sample",
    {{"prob", f32}, {"rows", i64}, {"u", f64, true}, {"topK", i64, true}, {"topP", f64, true}},
    {{"token", i32}, {"chosen", f32}},
    [](const Call& call) {
      const Input prob = call.input(0), rows = call.input(1);
      prob.expectRank(2);
      rows.expectRank(1);
      rows.expectBelow(prob.dims[0]);
      const int64_t n = rows.dims[0], vocabulary = prob.dims[1];
      Drawing how{rows.integers(), nullptr, nullptr, nullptr};
      const auto given = [&](size_t index) {
        Input it = call.input(index);
        it.expect({n});
        return it;
      };
      if (call.has(2)) how.u = given(2).doubles();
      if (call.has(3)) how.topK = given(3).integers(), how.topP = given(4).doubles();
      double* sums = scratch<double>(Scratch::sums, n * ((vocabulary + tokensOfSum - 1) / tokensOfSum));
      sampleTokens(prob.floats(), how, sums, call.output<int32_t>(0, {n}), call.output(1, {n}), n, vocabulary);
    },
};

/// Attention and AttentionGradient by a library, in bfloat16: of programs that nothing is sampled from.
const Op sequenceAttentionOp{
    "SequenceAttention",
    {{"q", f32}, {"k", f32}, {"v", f32}, {"places", i64}, {"origins", i64}},
    {{"out", f32}, {"lse", f32}},
    [](const Call& call) {
      const Input q = call.input(0), k = call.input(1), v = call.input(2), places = call.input(3), origins = call.input(4);
      const AttentionShape shape = attentionShape(q, k, v, places, origins);
      sequenceAttention(shape, q.floats(), k.floats(), v.floats(), places.integers(), origins.integers(), call.output(0, q.dims),
                        call.output(1, {shape.tokens, shape.heads}));
    },
};
const Op sequenceAttentionGradientOp{
    "SequenceAttentionGradient",
    {{"q", f32}, {"k", f32}, {"v", f32}, {"places", i64}, {"origins", i64}, {"out", f32}, {"lse", f32}, {"g", f32}},
    {{"dq", f32}, {"dk", f32}, {"dv", f32}},
    [](const Call& call) {
      const Input q = call.input(0), k = call.input(1), v = call.input(2), places = call.input(3), origins = call.input(4);
      const Input out = call.input(5), lse = call.input(6), g = call.input(7);
      const AttentionShape shape = attentionShape(q, k, v, places, origins);
      out.expect(q.dims);
      lse.expect({shape.tokens, shape.heads});
      g.expect(q.dims);
      sequenceAttentionGradient(shape, q.floats(), k.floats(), v.floats(), places.integers(), origins.integers(), out.floats(), lse.floats(),
                                g.floats(), call.output(0, q.dims), call.output(1, k.dims), call.output(2, k.dims));
    },
};

const bool added = addOps({&adamwRoundedOp, &distributionOp, &intoCacheOp, &intoCacheBf16Op, &sampleOp, &sequenceAttentionOp,
                           &sequenceAttentionGradientOp, &tokenProbabilityOp});

}  // namespace
}  // namespace r1
