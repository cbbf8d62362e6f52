// What an optimizer step does to flat arrays, limited by memory.
#pragma once

#include "elementwise.h"
#include "kernels.h"

namespace r1::R1_TARGET {

/// The factors are copied, since stores might change what lies in memory.
void adamw(const AdamW* factors, float* parameters, float* m, float* v, const float* gradient, int64_t n) {
  const AdamW by = *factors;
  forVectors(n, [=](auto get, auto put) __attribute__((always_inline)) {
    const Float g = get(gradient) * by.gradientScale;
    const Float first = by.beta1 * get(m) + by.rest1 * g;
    const Float second = by.beta2 * get(v) + by.rest2 * g * g;
    const Float p = get(parameters);
    put(m, first);
    put(v, second);
    put(parameters, p - (by.decay * p + (by.rate * first) / (squareRoot(second) * by.correction + by.epsilon)));
  });
}

void sumOfSquares(const float* x, double* total, int64_t n) {
  constexpr int lanes = W / 2, vectors = 16 / lanes;  // sixteen sums side by side, whatever the target
  Double parts[vectors] = {};
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    R1_UNROLL for (int part = 0; part < vectors; part++) {
      const Double value = widen(load<FloatOfDouble>(x + i + part * lanes));
      parts[part] += value * value;
    }
  }
  double sums[16];
  std::memcpy(sums, parts, sizeof sums);
  double rest = 0;
  for (; i < n; i++) rest += double(x[i]) * double(x[i]);
  for (double sum : sums) rest += sum;
  *total = rest;
}

}  // namespace r1::R1_TARGET
