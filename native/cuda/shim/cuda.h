// All that kernels use of CUDA: from nvcc, or from any C++ compiler, whose programs then run a kernel's threads on the CPU.
//
//   R1_SHARED(Type, name)   the shared memory of a block as one struct, of which a launch reserves as much
//   launch(kernel, grid, block, sharedBytes, arguments…)
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#ifdef __CUDACC__
#include "nvcc.h"
#else
#include "emulated.h"
#endif
