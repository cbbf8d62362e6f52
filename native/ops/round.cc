#include "../kernels/kernels.h"
#include "ops.h"

namespace r1 {

/// y = x rounded to bfloat16
const Op roundBf16Op{
    "RoundBf16",
    {{"x", f32}},
    {{"y", f32}},
    [](const Call& call) {
      const Input x = call.input(0);
      roundBf16(x.floats(), call.output(0, x.dims), x.elements());
    },
};

}  // namespace r1
