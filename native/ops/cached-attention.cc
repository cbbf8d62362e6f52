#include "../kernels/kernels.h"
#include "attention-heads.h"
#include "ops.h"

namespace r1 {

namespace {

template <auto kernel, class Element>
void callCachedAttention(const Call& call) {
  const Input q = call.input(0), k = call.input(1), v = call.input(2), positions = call.input(3);
  const Input table = call.input(4), keys = call.input(5), values = call.input(6);
  const auto [rows, heads, kvHeads, headDim] = AttentionHeads(q, k, v);
  table.expectRank(2);
  values.expectRank(2);
  table.expect({rows, table.dims[1]});
  positions.expect({rows});
  positions.expectBelow(table.dims[1] * cacheBlock);
  const int64_t blocks = values.dims[0] / (kvHeads * cacheBlock);
  values.expect({blocks * kvHeads * cacheBlock, headDim});
  keys.expect({blocks * kvHeads * cacheBlock * headDim});
  table.expectBelow(blocks);
  Element* nextKeys = call.changed<Element>(1, keys);
  Element* nextValues = call.changed<Element>(2, values);
  const CacheShape shape{rows, heads, kvHeads, headDim, table.dims[1]};
  kernel(shape, q.floats(), k.floats(), v.floats(), positions.integers(), table.integers(), nextKeys, nextValues,
         call.output(0, q.dims));
}

}  // namespace

/// Attention of one new token a sequence, whose key and value are written into the cache first: as in
/// trainer/nn/cached-attention.ts.
/// The cache that is put out may be the one that is read, which then changes in place.
const Op cachedAttentionOp{
    "CachedAttention",
    {{"q", f32}, {"k", f32}, {"v", f32}, {"positions", i64}, {"table", i64}, {"keys", f32}, {"values", f32}},
    {{"out", f32}, {"keys", f32}, {"values", f32}},
    callCachedAttention<cachedAttention, float>,
};

/// The same over a cache in bfloat16, for which keys and values are rounded
const Op cachedAttentionBf16Op{
    "CachedAttentionBf16",
    {{"q", f32}, {"k", f32}, {"v", f32}, {"positions", i64}, {"table", i64}, {"keys", bf16}, {"values", bf16}},
    {{"out", f32}, {"keys", bf16}, {"values", bf16}},
    callCachedAttention<cachedAttentionBf16, uint16_t>,
};

}  // namespace r1
