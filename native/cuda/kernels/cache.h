// Writes of prompts into the cache of keys and values (CacheShape in ../../kernels/kernels.h).
#pragma once

#include "../../kernels/kernels.h"
#include "numbers.h"
#include "threads.h"

namespace r1::cuda {

/// k, v [tokens, kvHeads, headDim] to their slots, block · 16 + position % 16, [tokens]; below 0: to none. A thread an element.
template <class Element>
__global__ void __launch_bounds__(blockThreads, 1)
    writeSlots(const float* k, const float* v, const int64_t* slots, Element* keys, Element* values, int64_t tokens, int64_t kvHeads,
               int64_t headDim) {
  const int64_t i = globalThread();
  if (i >= tokens * kvHeads * headDim) return;
  const int64_t d = i % headDim, kvHead = i / headDim % kvHeads, slot = slots[i / headDim / kvHeads], at = slot % cacheBlock;
  if (slot < 0) return;
  const int64_t first = (slot / cacheBlock * kvHeads + kvHead) * cacheBlock * headDim;
  storeAs(keys + first + d * cacheBlock + at, k[i]);
  storeAs(values + first + at * headDim + d, v[i]);
}

template <class Element>
void writePrompts(const float* k, const float* v, const int64_t* slots, Element* keys, Element* values, int64_t tokens, int64_t kvHeads,
                  int64_t headDim) {
  launch(writeSlots<Element>, dim3(blocksFor(tokens * kvHeads * headDim)), dim3(blockThreads), 0, k, v, slots, keys, values, tokens, kvHeads,
         headDim);
}

}  // namespace r1::cuda
