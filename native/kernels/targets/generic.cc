// What every compiler's baseline has: SSE2, NEON, or nothing.
#define R1_TARGET generic
#define R1_WIDTH 4
#include "../all.h"
