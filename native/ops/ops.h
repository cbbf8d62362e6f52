// The ops of the library.
#pragma once

#include <initializer_list>

#include "op.h"

namespace r1 {

/// Makes ops known that only libraries over the kernels for CUDA have (../cuda/ops.cc), before the library is asked for its ops.
bool addOps(std::initializer_list<const Op*> ops);

extern const Op adamwOp;
extern const Op addRowsOp;
extern const Op attentionOp;
extern const Op attentionGradientOp;
extern const Op cachedAttentionBf16Op;
extern const Op cachedAttentionOp;
extern const Op decodeLayerBf16Op;
extern const Op decodeLayerOp;
extern const Op linearOp;
extern const Op linearBf16Op;
extern const Op linearInputGradientBf16Op;
extern const Op linearInputGradientOp;
extern const Op linearPackedBf16Op;
extern const Op linearPackedOp;
extern const Op linearPanelsBf16Op;
extern const Op linearPanelsOp;
extern const Op linearWeightGradientBf16Op;
extern const Op linearWeightGradientOp;
extern const Op normalizedRotaryOp;
extern const Op rmsNormOp;
extern const Op rmsNormInputGradientOp;
extern const Op rmsNormWeightGradientOp;
extern const Op rotaryOp;
extern const Op rotaryGradientOp;
extern const Op roundBf16Op;
extern const Op sumOfSquaresOp;
extern const Op swiGluOp;
extern const Op swiGluGradientOp;

}  // namespace r1
