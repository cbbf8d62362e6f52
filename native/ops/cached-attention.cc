#include "../kernels/kernels.h"
#include "ops.h"

namespace r1 {

/// Attention of one new token a sequence, whose key and value are written into the cache first: as in
/// trainer/nn/cached-attention.ts.
/// The cache that is put out may be the one that is read, which then changes in place.
const Op cachedAttentionOp{
    "CachedAttention",
    {{"q", f32}, {"k", f32}, {"v", f32}, {"positions", i64}, {"keys", f32}, {"values", f32}},
    {{"out", f32}, {"keys", f32}, {"values", f32}},
    [](const Call& call) {
      const Input q = call.input(0), k = call.input(1), v = call.input(2), positions = call.input(3);
      const Input keys = call.input(4), values = call.input(5);
      q.expectRank(3);
      k.expectRank(3);
      keys.expectRank(2);
      const int64_t rows = q.dims[0], heads = q.dims[1], kvHeads = k.dims[1], headDim = q.dims[2];
      const int64_t lines = rows * kvHeads, width = lines == 0 ? 0 : keys.dims[0] / lines;
      k.expect({rows, kvHeads, headDim});
      v.expect(k.dims);
      positions.expect({rows});
      positions.expectBelow(width);
      keys.expect({lines * width, headDim});
      values.expect(keys.dims);
      if (kvHeads == 0 || heads % kvHeads != 0) q.expect({rows, kvHeads, headDim});
      float* nextKeys = call.changed(1, keys);
      float* nextValues = call.changed(2, values);
      const CacheShape shape{rows, heads, kvHeads, headDim, width, kvHeads * width * headDim};
      cachedAttention(shape, q.floats(), k.floats(), v.floats(), positions.integers(), nextKeys, nextValues,
                      call.output(0, q.dims));
    },
};

}  // namespace r1
