// The ops of the library, each in a file of its own.
#pragma once

#include "op.h"

namespace r1 {

extern const Op adamwOp;
extern const Op attentionOp;
extern const Op attentionGradientOp;
extern const Op cachedAttentionOp;
extern const Op linearOp;
extern const Op linearInputGradientOp;
extern const Op linearWeightGradientOp;

}  // namespace r1
