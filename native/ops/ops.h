// The ops of the library, each in a file of its own.
#pragma once

#include "op.h"

namespace r1 {

extern const Op linearOp;

}  // namespace r1
