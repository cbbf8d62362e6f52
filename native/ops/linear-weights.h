// The weights of a linear layer as an op is given them, a struct for each type: [outputs, inputs], or the same in panels.
#pragma once

#include "../kernels/kernels.h"
#include "op.h"

namespace r1 {

constexpr int64_t panelWidth = 16;
constexpr int64_t wordPanelWidth = 32;

/// What all types share. A panel has the rows of `width` outputs.
struct LinearWeights {
  Input given;
  int64_t inputs;
  bool packed;
  int64_t outputs;

  /// Throws std::invalid_argument, naming the input, unless the shape is that of weights for `k` inputs.
  /// @param panel its shape
  LinearWeights(const Input& w, int64_t k, bool inPanels, int64_t width, const Dims& panel)
      : given(w), inputs(k), packed(inPanels) {
    if (!packed) w.expectRank(2);
    outputs = packed ? w.dims[0] * width : w.dims[0];
    Dims expected{w.dims[0]};
    if (packed) expected.insert(expected.end(), panel.begin(), panel.end());
    else expected.push_back(inputs);
    w.expect(expected);
  }
};

/// Panels are [outputs/16, inputs, 16].
struct Float32Weights : LinearWeights {
  static constexpr auto type = f32;

  Float32Weights(const Input& w, int64_t k) : LinearWeights(w, k, w.dims.size() == 3, panelWidth, {k, panelWidth}) {}

  /// y = x·weightsᵀ (+ c): x [m, inputs], c and y [m, outputs]
  void multiply(const float* x, const float* c, float* y, int64_t m) const {
    (packed ? linearPacked : linear)(x, given.floats(), c, y, m, outputs, inputs);
  }
};

/// x is rounded to bfloat16. Panels are of two neighbours at a time, [outputs/32, inputs/2, 32, 2]: an odd number of inputs has none.
struct BFloat16Weights : LinearWeights {
  static constexpr auto type = bf16;

  BFloat16Weights(const Input& w, int64_t k)
      : LinearWeights(w, k, w.dims.size() == 4 && k % 2 == 0, wordPanelWidth, {k / 2, wordPanelWidth, 2}) {}

  void multiply(const float* x, const float* c, float* y, int64_t m) const {
    (packed ? linearPackedBf16 : linearBf16)(x, given.halves(), c, y, m, outputs, inputs);
  }
};

}  // namespace r1
