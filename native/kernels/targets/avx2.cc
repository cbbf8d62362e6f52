#if defined(__x86_64__)
#pragma GCC target("avx2,fma")
#define R1_TARGET avx2
#define R1_WIDTH 8
#include "../all.h"
#endif
