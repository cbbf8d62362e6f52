// What a library of attention over whole sequences does: attention-by-cudnn.cc on a GPU, and what stands in for it in tests.
#pragma once

#include <cstdint>

namespace r1::cuda {

/// Causal grouped-query attention of sequences of one length, in bfloat16 with sums in float32.
struct AttentionSizes {
  int64_t sequences, length, heads, kvHeads, headDim;
};

/// Memory of a run, each piece aligned to 16 bytes. Forward reads q, k and v and writes out and logSums; the gradient reads all of these and
/// outCotangent and writes the other cotangents, with the same bits each time.
struct AttentionTensors {
  const uint16_t* q;  ///< [sequences, length, heads, headDim]
  const uint16_t* k;  ///< [sequences, length, kvHeads, headDim]
  const uint16_t* v;
  uint16_t* out;
  float* logSums;  ///< ln Σ exp(score), [sequences, heads, length]
  const uint16_t* outCotangent;
  uint16_t* qCotangent;
  uint16_t* kCotangent;
  uint16_t* vCotangent;
};

/// The library's functions, for the GPU of the calling thread. Messages are null where all is well, and hold until the thread's next call.
struct AttentionLibrary {
  /// Such as cudnn92801: bits depend on it.
  const char* (*Version)();
  /// Makes the plan of some sizes unless there is one, and says how much memory a run works in.
  const char* (*Plan)(const AttentionSizes* sizes, bool isGradient, uint64_t* workspaceBytes);
  /// Runs a plan that was made, on a stream of CUDA's.
  const char* (*Run)(const AttentionSizes* sizes, bool isGradient, const AttentionTensors* tensors, void* workspace, void* stream);
};

}  // namespace r1::cuda
