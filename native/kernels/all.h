// All kernels, for the target that includes this.
#pragma once

#include "attention-gradient.h"
#include "attention.h"
#include "cached-attention.h"
#include "elementwise.h"
#ifdef R1_BF16_PAIRS
#include "linear-pairs.h"
#else
#include "linear-bf16.h"
#endif
#include "linear-gradient.h"
#include "linear-packed.h"
#include "linear.h"
#include "optimizer.h"
#include "table.h"

namespace r1::R1_TARGET {

#define R1_MEMBER(name) R1_TARGET::name,
extern const Table table = {R1_KERNELS(R1_MEMBER)};
#undef R1_MEMBER

}  // namespace r1::R1_TARGET
