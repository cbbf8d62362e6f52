// Sums over everything, many rows, and what lies beside a result.
#include "../../kernels/test/reference.h"
#include "../kernels/optimizer.h"
#include "guarded.h"
#include "tests.h"

using namespace test;

namespace {

/// A part, and less, more and several of them.
void squaresAreSummed(const r1::Table& kernels) {
  for (const int64_t n : {0, 1, 31, 256, 257, 4095, 4096, 4097, 8192, 12289, 100003}) {
    const Floats x = normals(n, 3);
    double want = 0;
    for (float value : x) want += double(value) * double(value);
    Guarded<double> sum(1);
    kernels.sumOfSquares(x.data(), sum.data(), n);
    check(std::fabs(sum.values()[0] - want) <= 1e-13 * want, "sumOfSquares of %ld is %.17g, expected %.17g", n, sum.values()[0], want);
    const float found = float(sum.values()[0]);
    digestNumbers(&found, 1);
  }
}

void normsOfManyRowsAgree(const r1::Table& kernels) {
  for (const auto& [m, d] : {std::pair<int64_t, int64_t>{8192, 3}, {8191, 1}, {64, 257}, {65, 33}, {63, 1}}) {
    const Floats x = normals(m * d), g = normals(m * d), weight = normals(d), begun = normals(d);
    const float epsilon = 1e-6f;
    Guarded<float> y(m * d), r(m), dx(m * d), dweight(begun);
    Floats wantY(m * d), wantR(m), wantDx(m * d), wantDweight = begun;
    kernels.rmsNorm(x.data(), weight.data(), &epsilon, y.data(), r.data(), m, d);
    reference::rmsNorm(x.data(), weight.data(), epsilon, wantY.data(), wantR.data(), m, d);
    check(close(y.values(), wantY, 1e-6), "rmsNorm of [%ld, %ld] is off by %g", m, d, difference(y.values(), wantY));
    kernels.rmsNormInputGradient(g.data(), x.data(), weight.data(), wantR.data(), nullptr, dx.data(), m, d);
    reference::rmsNormInputGradient(g.data(), x.data(), weight.data(), wantR.data(), nullptr, wantDx.data(), m, d);
    check(close(dx.values(), wantDx, 2e-6), "rmsNorm: dx of [%ld, %ld] is off by %g", m, d, difference(dx.values(), wantDx));
    kernels.rmsNormWeightGradient(g.data(), x.data(), wantR.data(), dweight.data(), m, d);
    reference::rmsNormWeightGradient(g.data(), x.data(), wantR.data(), wantDweight.data(), m, d);
    check(close(dweight.values(), wantDweight, 1e-5), "rmsNorm: dweight of [%ld, %ld] is off by %g", m, d,
          difference(dweight.values(), wantDweight));
  }
}

/// Of many rows, as a head's are, and of a few behind each other in memory.
void productsStayInTheirMemory(const r1::Table& kernels) {
  for (const auto& [m, n, k] : {std::array<int64_t, 3>{8192, 2, 3}, {1, 1, 1}, {64, 64, 16}, {65, 63, 17}, {127, 129, 15}}) {
    const Floats x = normals(m * k), w = normals(n * k);
    Guarded<float> y(m * n), dx(m * k), dw(Floats(n * k, 0.f));
    Floats want(m * n), wantDx(m * k), wantDw(n * k);
    kernels.linear(x.data(), w.data(), nullptr, y.data(), m, n, k);
    reference::linear(x.data(), w.data(), nullptr, want.data(), m, n, k);
    kernels.linearInputGradient(want.data(), w.data(), nullptr, dx.data(), m, n, k);
    reference::linearInputGradient(want.data(), w.data(), nullptr, wantDx.data(), m, n, k);
    kernels.linearWeightGradient(want.data(), x.data(), dw.data(), m, n, k);
    reference::linearWeightGradient(want.data(), x.data(), wantDw.data(), m, n, k);
    check(close(y.values(), want, 1e-6) && close(dx.values(), wantDx, 2e-6) && close(dw.values(), wantDw, 1e-5), "products of %ld, %ld, %ld are off",
          m, n, k);
  }
}

void elementsStayInTheirMemory(const r1::Table& kernels) {
  for (const int64_t n : {1, 255, 256, 257, 1000}) {
    const Floats x = normals(n), g = normals(n);
    Guarded<float> rounded(n), gated(n), dgate(n), dup(n), biased(x), wanted(x);
    kernels.roundBf16(x.data(), rounded.data(), n);
    kernels.swiglu(x.data(), g.data(), gated.data(), n);
    kernels.swigluGradient(x.data(), g.data(), g.data(), dgate.data(), dup.data(), n);
    kernels.addBias(biased.data(), g.data(), 1, n);
    for (int64_t i = 0; i < n; i++) wanted.data()[i] += g[i];
    for (const Guarded<float>& result : {rounded, gated, dgate, dup}) {
      for (float value : result.values()) check(!std::isnan(value), "one of %ld elements is not written", n);
    }
    check(sameBits(biased.values(), wanted.values()), "addBias of %ld has other bits", n);
  }
}

void adamwRoundsACopy() {
  for (const int64_t n : {1, 255, 256, 257, 1000}) {
    const r1::AdamW settings{0.7f, 0.9f, 0.1f, 0.999f, 0.001f, 3e-5f, 3e-3f, 31.6f, 1e-8f};
    const Floats p = normals(n), m = normals(n), g = normals(n), v(n, 0.5f);
    Guarded<float> nextP(p), nextM(m), nextV(v);
    Guarded<uint16_t> copy(n);
    r1::cuda::launch(r1::cuda::update, dim3(r1::cuda::blocksFor(n)), dim3(r1::cuda::blockThreads), 0, &settings, nextP.data(), nextM.data(),
                     nextV.data(), g.data(), copy.data(), n);
    Floats wantP = p, wantM = m, wantV = v;
    reference::adamw(settings, wantP.data(), wantM.data(), wantV.data(), g.data(), n);
    check(sameBits(nextP.values(), wantP) && sameBits(nextM.values(), wantM) && sameBits(nextV.values(), wantV), "adamw of %ld has other bits", n);
    for (int64_t i = 0; i < n; i++) check(copy.values()[i] == reference::rounded(wantP[i]), "the copy of %g is not it, rounded", wantP[i]);
  }
}

}  // namespace

void testSums(const r1::Table& kernels) {
  squaresAreSummed(kernels);
  normsOfManyRowsAgree(kernels);
  productsStayInTheirMemory(kernels);
  elementsStayInTheirMemory(kernels);
  adamwRoundsACopy();
}
