#include "check.h"
#include "reference.h"
#include "tests.h"

using namespace test;

namespace {

constexpr float epsilon = 1e-5f;

void adamwHasTheBitsOfItsFormula(const r1::Table& kernels) {
  for (int64_t n : {1, 2, 3, 7, 8, 1001}) {
    for (const float decay : {0.f, 3e-5f}) {
      const r1::AdamW settings{0.7f, 0.9f, 0.1f, 0.999f, 0.001f, decay, 3e-3f, 31.6f, 1e-8f};
      Floats p = normals(n), m = normals(n), v = normals(n), g = normals(n);
      for (float& x : v) x *= x;
      Floats wantP = p, wantM = m, wantV = v;
      kernels.adamw(&settings, p.data(), m.data(), v.data(), g.data(), n);
      reference::adamw(settings, wantP.data(), wantM.data(), wantV.data(), g.data(), n);
      check(sameBits(p, wantP) && sameBits(m, wantM) && sameBits(v, wantV), "adamw of %ld elements has other bits", n);
    }
  }
}

/// Parameters of all sizes beside updates of all sizes, with moments that are 0, tiny or huge.
void adamwHasTheBitsOfAnySize(const r1::Table& kernels) {
  const int64_t n = cases(400000);
  for (const float epsilon : {1e-8f, 1e-15f, 0.f}) {
    const r1::AdamW settings{1, 0.9f, 0.1f, 0.999f, 0.001f, 1e-4f, 0.03f, 7.1f, epsilon};
    const auto ofAnySize = [](int64_t count, int lowest, int highest) {
      Floats values = normals(count);
      for (float& x : values) x = between(0, 20) == 0 ? 0 : x * std::exp2(float(between(lowest, highest)));
      return values;
    };
    Floats p = ofAnySize(n, -30, 4), m = ofAnySize(n, -40, 10), v = ofAnySize(n, -140, 60), g = ofAnySize(n, -70, 30);
    for (float& x : v) x = std::fabs(x);
    Floats wantP = p, wantM = m, wantV = v;
    kernels.adamw(&settings, p.data(), m.data(), v.data(), g.data(), n);
    reference::adamw(settings, wantP.data(), wantM.data(), wantV.data(), g.data(), n);
    int64_t other = 0;
    for (int64_t i = 0; i < n; i++) other += !sameBits(&p[i], &wantP[i], 1) && !(std::isnan(p[i]) && std::isnan(wantP[i]));
    check(other == 0 && sameBits(m, wantM) && sameBits(v, wantV), "adamw, epsilon %g: %ld of %ld have other bits", double(epsilon), other, n);
  }
}

void sumsHaveTheirOrder(const r1::Table& kernels) {
  for (int64_t n = 0; n < 40; n++) {
    const Floats x = normals(n);
    double sum;
    kernels.sumOfSquares(x.data(), &sum, n);
    check(sum == reference::sumOfSquares(x.data(), n), "sumOfSquares of %ld has other bits", n);
  }
}

void normsAgree(const r1::Table& kernels) {
  for (int i = 0; i < cases(30); i++) {
    const int64_t m = between(1, 9), d = between(1, 600);
    const Floats x = normals(m * d, 3), weight = normals(d), g = normals(m * d);
    Floats sum = normals(m * d), y(m * d), r(m), wantY(m * d), wantR(m), dx(m * d), wantDx(m * d), dw = normals(d), wantDw = dw;
    kernels.rmsNorm(x.data(), weight.data(), &epsilon, y.data(), r.data(), m, d);
    reference::rmsNorm(x.data(), weight.data(), epsilon, wantY.data(), wantR.data(), m, d);
    check(close(y, wantY, 1e-6) && close(r, wantR, 1e-6), "rmsNorm of [%ld, %ld] is off by %g", m, d, difference(y, wantY));
    const float* c = i % 3 == 0 ? nullptr : sum.data();
    kernels.rmsNormInputGradient(g.data(), x.data(), weight.data(), r.data(), c, dx.data(), m, d);
    reference::rmsNormInputGradient(g.data(), x.data(), weight.data(), r.data(), c, wantDx.data(), m, d);
    check(close(dx, wantDx, 2e-6), "rmsNorm: dx of [%ld, %ld] is off by %g", m, d, difference(dx, wantDx));
    if (c) kernels.rmsNormInputGradient(g.data(), x.data(), weight.data(), r.data(), c, sum.data(), m, d);
    check(!c || sameBits(sum, dx), "rmsNorm: dx of [%ld, %ld] differs in place", m, d);
    kernels.rmsNormWeightGradient(g.data(), x.data(), r.data(), dw.data(), m, d);
    reference::rmsNormWeightGradient(g.data(), x.data(), r.data(), wantDw.data(), m, d);
    check(close(dw, wantDw, 2e-6), "rmsNorm: dweight of [%ld, %ld] is off by %g", m, d, difference(dw, wantDw));
    Floats single(d);
    kernels.rmsNorm(x.data() + (m - 1) * d, weight.data(), &epsilon, single.data(), nullptr, 1, d);
    check(sameBits(single.data(), y.data() + (m - 1) * d, d), "rmsNorm: bits of a single row differ");
  }
}

void gatesAgree(const r1::Table& kernels) {
  for (int64_t n : {1, 7, 8, 200, 1001}) {
    Floats gate = normals(n, 4), up = normals(n), g = normals(n);
    gate[0] = -200;
    if (n > 1) gate[1] = 200, gate[2] = -1e30f;
    const Floats gates = gate, ups = up;
    Floats y(n), wantY(n), dgate(n), wantDgate(n), dup(n), wantDup(n);
    kernels.swiglu(gate.data(), up.data(), y.data(), n);
    reference::swiglu(gate.data(), up.data(), wantY.data(), n);
    check(close(y, wantY, 1e-6), "swiglu is off by %g", difference(y, wantY));
    kernels.swigluGradient(gate.data(), up.data(), g.data(), dgate.data(), dup.data(), n);
    reference::swigluGradient(gate.data(), up.data(), g.data(), wantDgate.data(), wantDup.data(), n);
    check(close(dgate, wantDgate, 1e-6) && close(dup, wantDup, 1e-6), "swiglu's gradient is off by %g", difference(dgate, wantDgate));
    kernels.swigluGradient(gate.data(), up.data(), g.data(), gate.data(), up.data(), n);
    check(sameBits(gate, dgate) && sameBits(up, dup), "swiglu's gradient differs in place");
    for (int64_t i = 0; i < n; i++) {
      float single;
      kernels.swiglu(gates.data() + i, ups.data() + i, &single, 1);
      check(sameBits(&single, &y[i], 1), "swiglu of a single element has other bits");
    }
  }
}

void rotationsAgree(const r1::Table& kernels) {
  for (int64_t headDim : {8, 12, 64, 130}) {
    const int64_t m = 9, heads = 3, half = headDim / 2;
    const Floats x = normals(m * heads * headDim), angles = normals(20 * half);
    Floats cos(20 * half), sin(20 * half), y(x.size()), want(x.size()), back(x.size());
    for (size_t i = 0; i < angles.size(); i++) cos[i] = std::cos(angles[i]), sin[i] = std::sin(angles[i]);
    std::vector<int64_t> positions(m);
    for (int64_t& position : positions) position = between(0, 19);
    kernels.rotary(x.data(), positions.data(), cos.data(), sin.data(), 1, y.data(), m, heads, headDim);
    reference::rotary(x.data(), positions.data(), cos.data(), sin.data(), 1, want.data(), m, heads, headDim);
    check(close(y, want, 1e-6), "rotary is off by %g", difference(y, want));
    const Floats weight = normals(headDim);
    Floats normal(x.size()), r(m * heads), fused(x.size()), fusedR(m * heads);
    kernels.rmsNorm(x.data(), weight.data(), &epsilon, normal.data(), r.data(), m * heads, headDim);
    kernels.rotary(normal.data(), positions.data(), cos.data(), sin.data(), 1, normal.data(), m, heads, headDim);
    kernels.normalizedRotary(x.data(), weight.data(), &epsilon, positions.data(), cos.data(), sin.data(), fused.data(),
                             fusedR.data(), m, heads, headDim);
    check(sameBits(fused, normal) && sameBits(fusedR, r), "normalizedRotary has other bits than norm and rotation");
    back = y;
    kernels.rotary(back.data(), positions.data(), cos.data(), sin.data(), -1, back.data(), m, heads, headDim);
    check(close(back, x, 1e-6), "rotary there and back is off by %g", difference(back, x));
  }
}

void roundingIsToTheNearest(const r1::Table& kernels) {
  const float infinity = HUGE_VALF;
  // Between 1 and 1 + 2⁻⁷, and what has no neighbour.
  Floats x = {1.00390625f, 1.01171875f, -1.00390625f, 1.00390637f, 3.4e38f, 0.f, -0.f, infinity, -infinity};
  const Floats others = normals(40);
  x.insert(x.end(), others.begin(), others.end());
  Floats y(x.size());
  kernels.roundBf16(x.data(), y.data(), int64_t(x.size()));
  const Floats want = {1, 1.015625f, -1, 1.0078125f, infinity, 0.f, -0.f, infinity, -infinity};
  check(sameBits(y.data(), want.data(), int64_t(want.size())), "special numbers are rounded elsewhere");
  for (size_t i = 0; i < x.size(); i++) check(y[i] == reference::widened(reference::rounded(x[i])), "%g is rounded to %g", x[i], y[i]);
  const float noNumber = NAN;
  float still;
  kernels.roundBf16(&noNumber, &still, 1);
  check(std::isnan(still), "what is no number is rounded to %g", still);
}

/// The exponential itself, against float64, over all it is used for.
void exponentialsAreExact(const r1::Table& kernels) {
  double worst = 0;
  for (float x = -87; x < 0; x += 0.00371f * float(oneIn)) {
    const float one = 1;
    float gate;
    kernels.swiglu(&x, &one, &gate, 1);  // x / (1 + e⁻ˣ)
    const double want = double(x) / (1 + std::exp(-double(x)));
    worst = std::fmax(worst, std::fabs(gate - want) / want);
  }
  check(worst < 3.5e-7, "a gate is off by %g of itself", worst);
  for (const float x : {-88.f, -100.f, -200.f, -1000.f}) {  // whose exponentials are no numbers
    const float one = 1;
    float gate;
    kernels.swiglu(&x, &one, &gate, 1);
    check(gate <= 0 && gate > -1e-33f, "the gate of %g is %g", x, gate);
  }
}

}  // namespace

void testOrderOfSums(const r1::Table& kernels) { sumsHaveTheirOrder(kernels); }

void testElementwise(const r1::Table& kernels) {
  adamwHasTheBitsOfItsFormula(kernels);
  adamwHasTheBitsOfAnySize(kernels);
  normsAgree(kernels);
  gatesAgree(kernels);
  rotationsAgree(kernels);
  roundingIsToTheNearest(kernels);
  exponentialsAreExact(kernels);
}
