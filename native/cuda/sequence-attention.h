// Attention of whole sequences by a library, where a process has one: docs/decisions/0034-attention-by-cudnn.md.
#pragma once

#include "../kernels/kernels.h"

namespace r1::cuda {

/// `attention` and `attentionGradient` of ../kernels/kernels.h by the library, which computes in bfloat16.
///
/// @throws std::runtime_error where there is no library, or in its words where it does not compute this
void sequenceAttention(const AttentionShape& shape, const float* q, const float* k, const float* v, const int64_t* places,
                       const int64_t* origins, float* out, float* lse);
void sequenceAttentionGradient(const AttentionShape& shape, const float* q, const float* k, const float* v, const int64_t* places,
                               const int64_t* origins, const float* out, const float* lse, const float* g, float* dq, float* dk, float* dv);

/// Name and version of the library where it computes what our kernels do, within the rounding of bfloat16, and the same bits each time: it is
/// tried once a process, on the GPU of the thread that asks first. Where it does not stderr says why; empty then, and where there is none.
const char* libraryOfAttention();

}  // namespace r1::cuda
