// e to the x, and sums of it, with the same bits in every lane and on every target that fuses.
#pragma once

#include "vector.h"

namespace r1::R1_TARGET {

/// eˣ of x ≤ 88 within about 1.5 units in the last place; 0 below −87.3, where the result would no longer be a normal number.
///
/// x = n·ln 2 + r with |r| ≤ ln 2 / 2, and eʳ by a polynomial of degree 6 (Cephes, expf).
R1_INLINE Float exponential(Float x) {
  constexpr float toInteger = 12582912.f;  // 1.5·2²³: adding it rounds to an integer, which then stands in the low bits
  const Float shifted = fma(x, splat(1.44269504088896341f), splat(toInteger));
  const Float n = shifted - toInteger;
  Float r = fma(n, splat(-0.693359375f), x);
  r = fma(n, splat(2.12194440e-4f), r);
  Float p = splat(1.9875691500e-4f);
  p = fma(p, r, splat(1.3981999507e-3f));
  p = fma(p, r, splat(8.3334519073e-3f));
  p = fma(p, r, splat(4.1665795894e-2f));
  p = fma(p, r, splat(1.6666665459e-1f));
  p = fma(p, r, splat(5.0000001201e-1f));
  p = fma(p, r * r, r) + 1.f;
  const Int exponent = reinterpret_cast<Int>(shifted) - reinterpret_cast<Int>(splat(toInteger));
  const Float power = reinterpret_cast<Float>((exponent + 127) << 23);
  return x < splat(-87.3f) ? Float{} : p * power;
}

/// Sixteen sums side by side, whatever the width of a vector.
struct Lanes {
  static constexpr int vectors = 16 / W;
  Float lane[vectors];
};

/// The sixteen of `x`, halves upon halves.
R1_INLINE float sum(const Lanes& x) {
  if constexpr (Lanes::vectors == 1) return sum(fold(x.lane[0]));
  if constexpr (Lanes::vectors == 2) return sum(fold(x.lane[0] + x.lane[Lanes::vectors - 1]));
  if constexpr (Lanes::vectors == 4) {
    return sum(fold((x.lane[0] + x.lane[2 % Lanes::vectors]) + (x.lane[1 % Lanes::vectors] + x.lane[3 % Lanes::vectors])));
  }
}

R1_INLINE float largestOf(const Lanes& x) {
  Float most = x.lane[0];
  for (int i = 1; i < Lanes::vectors; i++) most = maximum(most, x.lane[i]);
  float all[W];
  store(all, most);
  float largest = all[0];
  for (int i = 1; i < W; i++) largest = all[i] > largest ? all[i] : largest;
  return largest;
}

struct Exponentials {
  float largest;
  float sum;
};

/// The largest of `count` scores, and Σ exp(score − largest), whose terms replace the scores. There must be room up to the
/// next multiple of 16, which is filled with zeros.
R1_INLINE Exponentials exponentials(float* scores, int64_t count) {
  const int64_t padded = (count + 15) / 16 * 16;
  for (int64_t j = count; j < padded; j++) scores[j] = -__builtin_inff();
  Lanes most;
  for (Float& lane : most.lane) lane = splat(-__builtin_inff());
  for (int64_t j = 0; j < padded; j += 16) {
    R1_UNROLL for (int i = 0; i < Lanes::vectors; i++) most.lane[i] = maximum(load(scores + j + i * W), most.lane[i]);
  }
  const float largest = largestOf(most);
  Lanes sums = {};
  for (int64_t j = 0; j < padded; j += 16) {
    R1_UNROLL for (int i = 0; i < Lanes::vectors; i++) {
      const Float p = exponential(load(scores + j + i * W) - largest);
      store(scores + j + i * W, p);
      sums.lane[i] += p;
    }
  }
  return {largest, sum(sums)};
}

}  // namespace r1::R1_TARGET
