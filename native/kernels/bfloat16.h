// Numbers of bfloat16, the upper halves of floats, as they are read and written.
#pragma once

#include "vector.h"

namespace r1::R1_TARGET {

R1_INLINE float widened(float x) { return x; }
R1_INLINE float widened(uint16_t half) {
  const uint32_t bits = uint32_t(half) << 16;
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

/// W of them, widened.
R1_INLINE Float load(const uint16_t* p) {
#if R1_WIDTH == 16
  const __m256i halves = _mm256_loadu_si256(reinterpret_cast<const __m256i_u*>(p));
  return reinterpret_cast<Float>(reinterpret_cast<Int>(_mm512_maskz_cvtepu16_epi32(0xffff, halves)) << 16);
#elif R1_WIDTH == 8
  const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i_u*>(p));
  return reinterpret_cast<Float>(reinterpret_cast<Int>(_mm256_cvtepu16_epi32(halves)) << 16);
#elif defined(__x86_64__)
  const __m128i halves = _mm_loadl_epi64(reinterpret_cast<const __m128i_u*>(p));
  return reinterpret_cast<Float>(_mm_unpacklo_epi16(_mm_setzero_si128(), halves));
#elif defined(__ARM_NEON)
  return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16));
#else
  Float x;
  for (int i = 0; i < W; i++) x[i] = widened(p[i]);
  return x;
#endif
}

/// Rounded to the nearest, ties to even; not a number stays so.
R1_INLINE Float roundToBFloat16(Float x) {
  const Int bits = reinterpret_cast<Int>(x);
  const Int rounded = (bits + 0x7fff + (bits >> 16 & 1)) & int32_t(0xffff0000);
  return x == x ? reinterpret_cast<Float>(rounded) : x;
}

/// Stores x as it is, or rounded like that.
R1_INLINE void storeAs(float* to, float x) { *to = x; }
R1_INLINE void storeAs(uint16_t* to, float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  *to = uint16_t(x == x ? (bits + 0x7fff + (bits >> 16 & 1)) >> 16 : bits >> 16 | 0x40);
}

}  // namespace r1::R1_TARGET
