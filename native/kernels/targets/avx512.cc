#if defined(__x86_64__)
#pragma GCC target("avx512f,avx2,fma")
#define R1_TARGET avx512
#define R1_WIDTH 16
#include "../all.h"
#endif
