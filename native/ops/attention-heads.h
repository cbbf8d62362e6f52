// The heads of tokens, as the ops of attention are given them.
#pragma once

#include "../kernels/kernels.h"
#include "op.h"

namespace r1 {

struct AttentionHeads {
  int64_t tokens, heads, kvHeads, headDim;

  /// Throws std::invalid_argument, naming the input, unless q is [tokens, heads, headDim] and k and v are [tokens, kvHeads, headDim].
  AttentionHeads(const Input& q, const Input& k, const Input& v) {
    q.expectRank(3);
    k.expectRank(3);
    tokens = q.dims[0], heads = q.dims[1], kvHeads = k.dims[1], headDim = q.dims[2];
    k.expect({tokens, kvHeads, headDim});
    v.expect(k.dims);
    if (kvHeads == 0) k.expect({tokens, 1, headDim});
    if (heads == 0 || heads % kvHeads != 0) q.expect({tokens, kvHeads, headDim});
  }
};

/// Checks that q [T, heads, headDim], k and v [T, kvHeads, headDim], places [rows, length] and origins [T] fit.
inline AttentionShape attentionShape(const Input& q, const Input& k, const Input& v, const Input& places, const Input& origins) {
  const auto [tokens, heads, kvHeads, headDim] = AttentionHeads(q, k, v);
  places.expectRank(2);
  origins.expect({tokens});
  const AttentionShape shape{tokens, places.dims[0], places.dims[1], heads, kvHeads, headDim};
  places.expectBelow(tokens);
  origins.expectBelow(shape.rows * shape.length);
  return shape;
}

}  // namespace r1
