// The weights of a linear layer as an op is given them, one struct for each type: [outputs, inputs], or the same in panels.
#pragma once

#include "../kernels/kernels.h"
#include "op.h"

namespace r1 {

constexpr int64_t panelWidth = 16;
constexpr int64_t wordPanelWidth = 32;

/// Panels are [outputs/16, inputs, 16].
struct Float32Weights {
  static constexpr auto type = f32;
  Input given;
  int64_t inputs;
  bool packed;
  int64_t outputs;

  Float32Weights(const Input& w, int64_t k) : given(w), inputs(k), packed(w.dims.size() == 3) {
    if (!packed) w.expectRank(2);
    outputs = packed ? w.dims[0] * panelWidth : w.dims[0];
    w.expect(packed ? Dims{w.dims[0], inputs, panelWidth} : Dims{outputs, inputs});
  }

  /// y = x·weightsᵀ (+ c): x [m, inputs], c and y [m, outputs]
  void multiply(const float* x, const float* c, float* y, int64_t m) const {
    (packed ? linearPacked : linear)(x, given.floats(), c, y, m, outputs, inputs);
  }
};

/// x is rounded to bfloat16. Panels are of two neighbours at a time, [outputs/32, inputs/2, 32, 2].
struct BFloat16Weights {
  static constexpr auto type = bf16;
  Input given;
  int64_t inputs;
  bool packed;
  int64_t outputs;

  BFloat16Weights(const Input& w, int64_t k) : given(w), inputs(k), packed(w.dims.size() == 4) {
    if (!packed) w.expectRank(2);
    outputs = packed ? w.dims[0] * wordPanelWidth : w.dims[0];
    w.expect(packed ? Dims{w.dims[0], (inputs + 1) / 2, wordPanelWidth, 2} : Dims{outputs, inputs});
  }

  void multiply(const float* x, const float* c, float* y, int64_t m) const {
    (packed ? linearPackedBf16 : linearBf16)(x, given.halves(), c, y, m, outputs, inputs);
  }
};

}  // namespace r1
