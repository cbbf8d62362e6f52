#include "../kernels/kernels.h"
#include "linear-call.h"
#include "ops.h"

namespace r1 {

const Op linearInputGradientOp{
    "LinearInputGradient",
    {{"g", f32}, {"w", f32}, {"c", f32, true}},
    {{"dx", f32}},
    callLinearInputGradient<linearInputGradient, &Input::floats>,
};

/// g is rounded to bfloat16
const Op linearInputGradientBf16Op{
    "LinearInputGradientBf16",
    {{"g", f32}, {"w", bf16}, {"c", f32, true}},
    {{"dx", f32}},
    callLinearInputGradient<linearInputGradientBf16, &Input::halves>,
};

const Op linearWeightGradientOp{
    "LinearWeightGradient",
    {{"g", f32}, {"x", f32}, {"c", f32, true}},
    {{"dw", f32}},
    callLinearWeightGradient<linearWeightGradient>,
};

/// g and x are rounded to bfloat16
const Op linearWeightGradientBf16Op{
    "LinearWeightGradientBf16",
    {{"g", f32}, {"x", f32}, {"c", f32, true}},
    {{"dw", f32}},
    callLinearWeightGradient<linearWeightGradientBf16>,
};

}  // namespace r1
