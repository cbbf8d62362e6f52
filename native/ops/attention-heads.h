// The heads of tokens, as the ops of attention are given them.
#pragma once

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

}  // namespace r1
