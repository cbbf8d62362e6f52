// Numbers as all kernels compute them: with the same bits on the device and on the CPU, whatever the compiler's own functions give.
#pragma once

#include "../shim/cuda.h"

namespace r1::cuda {

__device__ inline float widened(float x) { return x; }
__device__ inline float widened(uint16_t half) { return __int_as_float(int(unsigned(half) << 16)); }

/// The upper half of x rounded to bfloat16: to the nearest, ties to even; not a number stays so.
__device__ inline uint16_t upperHalf(float x) {
  const unsigned bits = unsigned(__float_as_int(x));
  return uint16_t(x == x ? (bits + 0x7fff + (bits >> 16 & 1)) >> 16 : bits >> 16 | 0x40);
}

__device__ inline float rounded(float x) { return widened(upperHalf(x)); }

__device__ inline void storeAs(float* to, float x) { *to = x; }
__device__ inline void storeAs(uint16_t* to, float x) { *to = upperHalf(x); }

/// eˣ of x ≤ 88, as in native/kernels/exponential.h.
__device__ inline float exponential(float x) {
  constexpr float toInteger = 12582912.f;
  const float shifted = fmaf(x, 1.44269504088896341f, toInteger), n = shifted - toInteger;
  const float r = fmaf(n, 2.12194440e-4f, fmaf(n, -0.693359375f, x));
  float p = 1.9875691500e-4f;
  p = fmaf(p, r, 1.3981999507e-3f);
  p = fmaf(p, r, 8.3334519073e-3f);
  p = fmaf(p, r, 4.1665795894e-2f);
  p = fmaf(p, r, 1.6666665459e-1f);
  p = fmaf(p, r, 5.0000001201e-1f);
  p = fmaf(p, r * r, r) + 1.f;
  const int exponent = __float_as_int(shifted) - __float_as_int(toInteger);
  return x < -87.3f ? 0.f : p * __int_as_float(int(unsigned(exponent + 127) << 23));
}

__device__ inline float sigmoid(float x) { return 1.f / (1.f + exponential(-x > 87.f ? 87.f : -x)); }

}  // namespace r1::cuda
