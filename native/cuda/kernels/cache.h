// Writes of prompts into the cache of keys and values (CacheShape in ../../kernels/kernels.h).
#pragma once

#include "../../kernels/kernels.h"
#include "numbers.h"
#include "threads.h"

namespace r1::cuda {

/// k, v [tokens, kvHeads, headDim] to their blocks and places there, [tokens], of which no two are the same. A thread an element.
template <class Element>
__global__ void __launch_bounds__(blockThreads, 1)
    writeToBlocks(const float* k, const float* v, const int64_t* block, const int64_t* offset, Element* keys, Element* values, int64_t tokens,
                  int64_t kvHeads, int64_t headDim) {
  const int64_t i = globalThread();
  if (i >= tokens * kvHeads * headDim) return;
  const int64_t d = i % headDim, kvHead = i / headDim % kvHeads, token = i / headDim / kvHeads, at = offset[token];
  const int64_t first = (block[token] * kvHeads + kvHead) * cacheBlock * headDim;
  storeAs(keys + first + d * cacheBlock + at, k[i]);
  storeAs(values + first + at * headDim + d, v[i]);
}

template <class Element>
void writePrompts(const float* k, const float* v, const int64_t* block, const int64_t* offset, Element* keys, Element* values, int64_t tokens,
                  int64_t kvHeads, int64_t headDim) {
  forEach(tokens * kvHeads * headDim, writeToBlocks<Element>, k, v, block, offset, keys, values, tokens, kvHeads, headDim);
}

}  // namespace r1::cuda
