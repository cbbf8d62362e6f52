#include "../kernels/kernels.h"
#include "linear-call.h"
#include "ops.h"

namespace r1 {

const Op linearOp{
    "Linear",
    {{"x", f32}, {"w", f32}, {"c", f32, true}},
    {{"y", f32}},
    callLinear<linear, &Input::floats>,
};

/// x is rounded to bfloat16
const Op linearBf16Op{
    "LinearBf16",
    {{"x", f32}, {"w", bf16}, {"c", f32, true}},
    {{"y", f32}},
    callLinear<linearBf16, &Input::halves>,
};

}  // namespace r1
