// A vector of W floats as the target's registers hold it. Written once against the compiler's vector extension; only what
// the extension cannot say (fused multiply-add, square root, halves of a register) asks for the instruction set.
//
// Included once for each target, by targets/<target>.cc, which names it (R1_TARGET), its lanes (R1_WIDTH) and asks the
// compiler for its instructions. Nothing of the standard library's templates may be used here or in the kernels: the
// linker would keep one copy for all targets, possibly of instructions that the machine lacks.
//
// No product and sum may be fused unless `fma` says so: compile with -ffp-contract=off.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#else
#include <cmath>
#endif

#define R1_INLINE static inline __attribute__((always_inline))
/// Before a loop whose accumulators must stay in registers.
#define R1_UNROLL _Pragma("GCC unroll 16")

namespace r1::R1_TARGET {

constexpr int W = R1_WIDTH;

typedef float Float __attribute__((vector_size(W * 4)));
typedef int32_t Int __attribute__((vector_size(W * 4)));
typedef float Float4 __attribute__((vector_size(16)));
typedef double Double __attribute__((vector_size(W * 4)));              // W/2 of them
typedef float FloatOfDouble __attribute__((vector_size(W * 2)));        // as many floats
template <class V>
struct Unaligned {
  V value;
} __attribute__((packed, may_alias));

template <class V = Float>
R1_INLINE V load(const float* p) {
  return reinterpret_cast<const Unaligned<V>*>(p)->value;
}

template <class V>
R1_INLINE void store(float* p, V x) {
  reinterpret_cast<Unaligned<V>*>(p)->value = x;
}

/// The first `count` < W floats, then zeros.
R1_INLINE Float loadSome(const float* p, int64_t count) {
  float some[W] = {};
  std::memcpy(some, p, count * sizeof(float));
  return load(some);
}

R1_INLINE void storeSome(float* p, Float x, int64_t count) {
  float some[W];
  store(some, x);
  std::memcpy(p, some, count * sizeof(float));
}

R1_INLINE Float splat(float x) { return x - Float{}; }

/// a·b + c, rounded once where the target can.
R1_INLINE Float fma(Float a, Float b, Float c) {
#if R1_WIDTH == 16
  return _mm512_fmadd_ps(a, b, c);
#elif R1_WIDTH == 8
  return _mm256_fmadd_ps(a, b, c);
#elif defined(__ARM_NEON)
  return vfmaq_f32(c, a, b);
#else
  return a * b + c;
#endif
}

R1_INLINE Float maximum(Float a, Float b) { return a > b ? a : b; }

R1_INLINE Float squareRoot(Float x) {
#if R1_WIDTH == 16
  return _mm512_maskz_sqrt_ps(0xffff, x);
#elif R1_WIDTH == 8
  return _mm256_sqrt_ps(x);
#elif defined(__x86_64__)
  return _mm_sqrt_ps(x);
#elif defined(__aarch64__)
  return vsqrtq_f32(x);
#else
  for (int i = 0; i < W; i++) x[i] = std::sqrt(x[i]);
  return x;
#endif
}

// Spelled out because g++ 12 converts vectors by way of memory.
#if R1_WIDTH == 16
R1_INLINE Double widen(FloatOfDouble x) { return _mm512_maskz_cvtps_pd(0xff, x); }
#elif R1_WIDTH == 8
R1_INLINE Double widen(FloatOfDouble x) { return _mm256_cvtps_pd(x); }
#else
R1_INLINE Double widen(FloatOfDouble x) { return __builtin_convertvector(x, Double); }
#endif

/// Adds the upper half of the lanes to the lower half until four are left.
R1_INLINE Float4 fold(Float x) {
#if R1_WIDTH == 16
  const __m256 eight = __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7) +
                       __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15);
  return _mm256_castps256_ps128(eight) + _mm256_extractf128_ps(eight, 1);
#elif R1_WIDTH == 8
  return _mm256_castps256_ps128(x) + _mm256_extractf128_ps(x, 1);
#else
  return x;
#endif
}

/// The four lanes of each argument, summed as (x0 + x2) + (x1 + x3).
R1_INLINE Float4 sums(Float4 a, Float4 b, Float4 c, Float4 d) {
  const Float4 ab = __builtin_shufflevector(a, b, 0, 4, 1, 5) + __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Float4 cd = __builtin_shufflevector(c, d, 0, 4, 1, 5) + __builtin_shufflevector(c, d, 2, 6, 3, 7);
  return __builtin_shufflevector(ab, cd, 0, 1, 4, 5) + __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
}

R1_INLINE float sum(Float4 x) { return (x[0] + x[2]) + (x[1] + x[3]); }

/// Four floats for each four lanes: fourAt(g) is that of lanes 4·g and up.
template <class FourAt>
R1_INLINE Float joined(FourAt fourAt) {
#if R1_WIDTH == 16
  const Float4 a = fourAt(0), b = fourAt(1), c = fourAt(2), d = fourAt(3);
  const __m256 low = _mm256_set_m128(b, a), high = _mm256_set_m128(d, c);
  return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#elif R1_WIDTH == 8
  return __builtin_shufflevector(fourAt(0), fourAt(1), 0, 1, 2, 3, 4, 5, 6, 7);
#else
  return fourAt(0);
#endif
}

// Picks, of each four lanes of two vectors, those of the first as 0 to 3 and those of the second as 4 to 7.
#define R1_LANE(group, i) ((i) < 4 ? 4 * group + (i) : W + 4 * group + (i) - 4)
#define R1_FOUR(group, i, j, k, l) R1_LANE(group, i), R1_LANE(group, j), R1_LANE(group, k), R1_LANE(group, l)
#if R1_WIDTH == 16
#define R1_PICK(...) R1_FOUR(0, __VA_ARGS__), R1_FOUR(1, __VA_ARGS__), R1_FOUR(2, __VA_ARGS__), R1_FOUR(3, __VA_ARGS__)
#elif R1_WIDTH == 8
#define R1_PICK(...) R1_FOUR(0, __VA_ARGS__), R1_FOUR(1, __VA_ARGS__)
#else
#define R1_PICK(...) R1_FOUR(0, __VA_ARGS__)
#endif

/// In each four lanes, rows a, b, c, d become columns.
R1_INLINE void transpose(Float& a, Float& b, Float& c, Float& d) {
  const Float ab0 = __builtin_shufflevector(a, b, R1_PICK(0, 4, 1, 5));
  const Float ab2 = __builtin_shufflevector(a, b, R1_PICK(2, 6, 3, 7));
  const Float cd0 = __builtin_shufflevector(c, d, R1_PICK(0, 4, 1, 5));
  const Float cd2 = __builtin_shufflevector(c, d, R1_PICK(2, 6, 3, 7));
  a = __builtin_shufflevector(ab0, cd0, R1_PICK(0, 1, 4, 5));
  b = __builtin_shufflevector(ab0, cd0, R1_PICK(2, 3, 6, 7));
  c = __builtin_shufflevector(ab2, cd2, R1_PICK(0, 1, 4, 5));
  d = __builtin_shufflevector(ab2, cd2, R1_PICK(2, 3, 6, 7));
}

#undef R1_PICK
#undef R1_FOUR
#undef R1_LANE

#if R1_WIDTH != 4
/// Rows a, b, c, d become columns.
R1_INLINE void transpose(Float4& a, Float4& b, Float4& c, Float4& d) {
  const Float4 ab0 = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab2 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Float4 cd0 = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd2 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  a = __builtin_shufflevector(ab0, cd0, 0, 1, 4, 5);
  b = __builtin_shufflevector(ab0, cd0, 2, 3, 6, 7);
  c = __builtin_shufflevector(ab2, cd2, 0, 1, 4, 5);
  d = __builtin_shufflevector(ab2, cd2, 2, 3, 6, 7);
}
#endif

}  // namespace r1::R1_TARGET
