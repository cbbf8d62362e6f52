#if defined(__x86_64__)
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512bf16,avx2,fma")
#define R1_TARGET avx512bf16
#define R1_WIDTH 16
#define R1_BF16_PAIRS
#include "../all.h"
#endif
