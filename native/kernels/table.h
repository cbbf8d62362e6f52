// The kernels of one target, by name. Their meaning is in kernels.h.
#pragma once

#include "kernels.h"

#define R1_KERNELS(one)         \
  one(linear)                   \
  one(linearBf16)               \
  one(linearPanels)             \
  one(linearPacked)             \
  one(linearPanelsBf16)         \
  one(linearPackedBf16)         \
  one(linearInputGradient)      \
  one(linearWeightGradient)     \
  one(linearInputGradientBf16)  \
  one(linearWeightGradientBf16) \
  one(attention)                \
  one(attentionGradient)        \
  one(cachedAttention)          \
  one(cachedAttentionBf16)      \
  one(adamw)                    \
  one(sumOfSquares)             \
  one(rmsNorm)                  \
  one(rmsNormInputGradient)     \
  one(rmsNormWeightGradient)    \
  one(roundBf16)                \
  one(swiglu)                   \
  one(swigluGradient)           \
  one(rotary)                   \
  one(normalizedRotary)         \
  one(addBias)

namespace r1 {

struct Table {
#define R1_MEMBER(name) decltype(&r1::name) name;
  R1_KERNELS(R1_MEMBER)
#undef R1_MEMBER
};

namespace generic {
extern const Table table;
}
namespace avx2 {
extern const Table table;
}
namespace avx512 {
extern const Table table;
}
namespace avx512bf16 {
extern const Table table;
}

}  // namespace r1
