// What an optimizer step does to flat arrays: limited by memory, so float64 inside costs nothing.
#pragma once

#include "kernels.h"
#include "vector.h"

namespace r1::R1_TARGET {

/// W/2 elements of one update; products and sums as in trainer/optim/adamw.ts, in its order.
struct AdamWStep {
  Double scale, beta1, beta2, rest1, rest2, keep, rate, correction, epsilon;

  __attribute__((always_inline)) void operator()(FloatOfDouble& p, FloatOfDouble& m, FloatOfDouble& v,
                                                 FloatOfDouble gradient) const {
    const Double g = widen(gradient) * scale;
    const Double first = beta1 * widen(m) + rest1 * g;
    const Double second = beta2 * widen(v) + rest2 * g * g;
    m = narrow(first);
    v = narrow(second);
    p = narrow(keep * widen(p) - (rate * first) / (squareRoot(second) * correction + epsilon));
  }
};

void adamw(const AdamW& settings, float* parameters, float* m, float* v, const float* gradient, int64_t n) {
  constexpr int64_t lanes = W / 2;
  const AdamWStep step{splatDouble(settings.gradientScale),
                       splatDouble(settings.beta1),
                       splatDouble(settings.beta2),
                       splatDouble(1 - settings.beta1),
                       splatDouble(1 - settings.beta2),
                       splatDouble(1 - settings.learningRate * settings.weightDecay),
                       splatDouble(settings.learningRate / settings.biasCorrection1),
                       splatDouble(1 / __builtin_sqrt(settings.biasCorrection2)),
                       splatDouble(settings.epsilon)};
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    FloatOfDouble pi = load<FloatOfDouble>(parameters + i);
    FloatOfDouble mi = load<FloatOfDouble>(m + i);
    FloatOfDouble vi = load<FloatOfDouble>(v + i);
    step(pi, mi, vi, load<FloatOfDouble>(gradient + i));
    store(parameters + i, pi);
    store(m + i, mi);
    store(v + i, vi);
  }
  for (; i < n; i++) {
    FloatOfDouble pi = {parameters[i]}, mi = {m[i]}, vi = {v[i]};
    step(pi, mi, vi, FloatOfDouble{gradient[i]});
    parameters[i] = pi[0];
    m[i] = mi[0];
    v[i] = vi[0];
  }
}

double sumOfSquares(const float* x, int64_t n) {
  // Four sums whatever the target: a vector of them, or two.
  constexpr int lanes = W / 2 < 4 ? W / 2 : 4;
  typedef double Part __attribute__((vector_size(lanes * 8)));
  typedef float FloatPart __attribute__((vector_size(lanes * 4)));
  Part parts[4 / lanes] = {};
  int64_t i = 0;
  for (; i + 4 <= n; i += 4) {
    R1_UNROLL for (int part = 0; part < 4 / lanes; part++) {
      const Part value = __builtin_convertvector(load<FloatPart>(x + i + part * lanes), Part);
      parts[part] += value * value;
    }
  }
  double sums[4];
  std::memcpy(sums, parts, sizeof sums);
  for (; i < n; i++) sums[0] += double(x[i]) * double(x[i]);
  return sums[0] + sums[1] + (sums[2] + sums[3]);
}

void addInto(float* sum, const float* x, int64_t n) {
  int64_t i = 0;
  for (; i + W <= n; i += W) store(sum + i, load(sum + i) + load(x + i));
  for (; i < n; i++) sum[i] += x[i];
}

}  // namespace r1::R1_TARGET
