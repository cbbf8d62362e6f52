// Products of linear layers where a library multiplies: which algorithm is taken, and what is done for it. What comes out is tested as for
// every other kernel, by the tests of linear layers.
#include <cstring>
#include <stdexcept>
#include <string>

#include "../../../kernels/test/reference.h"
#include "../guarded.h"
#include "../tests.h"
#include "fake.h"

using namespace test;

namespace {

constexpr double tolerance = 4e-6;  // of the largest element

/// No other test has weights of these shapes. As every run has its own, what comes out of them is no part of its digest.
int64_t freshOutputs() {
  static int64_t last = 100;
  return ++last;
}

struct Asked {
  int before = fakeCublasLt().asked;
  int times() const { return fakeCublasLt().asked - before; }
};

void algorithmsAreAskedForOnce(const r1::Table& kernels) {
  const int64_t n = freshOutputs(), k = 64;
  const Asked asked;
  for (const int64_t m : {5, 1, 300, 17, 5}) {
    const Floats x = normals(m * k), w = normals(n * k), g = normals(m * n);
    Floats y(m * n), dx(m * k), dw(n * k);
    kernels.linear(x.data(), w.data(), nullptr, y.data(), m, n, k);
    kernels.linearInputGradient(g.data(), w.data(), nullptr, dx.data(), m, n, k);
    kernels.linearWeightGradient(g.data(), x.data(), dw.data(), m, n, k);
  }
  check(asked.times() == 3, "algorithms for three products were asked for %d times", asked.times());
}

void algorithmsThatChangeBitsAreNotTaken(const r1::Table& kernels) {
  const int64_t n = freshOutputs(), k = 48;
  const Floats x = normals(4 * k), w = normals(n * k);
  Floats y(4 * n);
  kernels.linear(x.data(), w.data(), nullptr, y.data(), 4, n, k);
  check(fakeCublasLt().algorithm == keepsBits, "algorithm %d was taken", fakeCublasLt().algorithm);
}

void withoutAlgorithmOurKernelMultiplies(const r1::Table& kernels) {
  const int64_t n = 30, m = 9;
  for (const int64_t k : {int64_t(withoutAlgorithm), int64_t(33)}) {  // an odd number in bfloat16 has none
    const Floats x = normals(m * k), w = normals(n * k);
    std::vector<uint16_t> halves;
    Floats roundedX, roundedW, want(m * n), got(m * n);
    for (float value : w) halves.push_back(reference::rounded(value)), roundedW.push_back(reference::widened(halves.back()));
    for (float value : x) roundedX.push_back(reference::widened(reference::rounded(value)));
    int multiplied = 0;
    for (int time = 0; time < 2; time++) {
      multiplied = fakeCublasLt().multiplied;
      if (k == withoutAlgorithm) kernels.linear(x.data(), w.data(), nullptr, got.data(), m, n, k);
      else kernels.linearBf16(x.data(), halves.data(), nullptr, got.data(), m, n, k);
    }
    check(fakeCublasLt().multiplied == multiplied, "k %ld: the library multiplied", k);
    reference::linear((k == withoutAlgorithm ? x : roundedX).data(), (k == withoutAlgorithm ? w : roundedW).data(), nullptr, want.data(), m, n, k);
    check(close(got, want, tolerance), "k %ld without an algorithm is off by %g", k, difference(got, want));
  }
}

/// Factors, results, what is added to them, and both, from every place in a vector of 16 bytes on.
void memoryBeginsAnywhere(const r1::Table& kernels) {
  const int64_t m = 7, n = 33, k = 40;
  const Floats x = normals(m * k), w = normals(n * k), c = normals(m * n);
  Floats want(m * n);
  kernels.linear(x.data(), w.data(), c.data(), want.data(), m, n, k);
  for (int shift = 0; shift < 4; shift++) {
    Floats movedX(m * k + shift), movedW(n * k + shift), y(m * n);
    std::copy(x.begin(), x.end(), movedX.begin() + shift);
    std::copy(w.begin(), w.end(), movedW.begin() + shift);
    kernels.linear(movedX.data() + shift, movedW.data() + shift, c.data(), y.data(), m, n, k);
    check(sameBits(y, want), "factors from %d on give other bits", shift);
    Floats movedC(m * n + shift);
    std::copy(c.begin(), c.end(), movedC.begin() + shift);
    for (int shiftOfY = 0; shiftOfY < 4; shiftOfY++) {
      Guarded<float> y(m * n + shiftOfY);
      kernels.linear(x.data(), w.data(), movedC.data() + shift, y.data() + shiftOfY, m, n, k);
      check(sameBits(y.values().data() + shiftOfY, want.data(), m * n), "y from %d and c from %d on give other bits", shiftOfY, shift);
    }
    kernels.linear(x.data(), w.data(), movedC.data() + shift, movedC.data() + shift, m, n, k);
    check(sameBits(movedC.data() + shift, want.data(), m * n), "c in the result's place from %d on gives other bits", shift);
  }
}

/// One row, 8192 of them, one output, one input; and gradients of weights over them.
void extremeShapesAgree(const r1::Table& kernels) {
  struct Sizes { int64_t m, n, k; };
  for (const auto& [m, n, k] : {Sizes{1, 300, 64}, {8192, 3, 8}, {8191, 2, 5}, {1, 1, 1}, {3, 1, 900}, {900, 40, 1}, {513, 16, 16}}) {
    const Floats x = normals(m * k), w = normals(n * k), g = normals(m * n), begun = normals(n * k);
    Guarded<float> y(m * n), dx(m * k), dw(begun);
    Floats wantY(m * n), wantDx(m * k), wantDw = begun;
    kernels.linear(x.data(), w.data(), nullptr, y.data(), m, n, k);
    kernels.linearInputGradient(g.data(), w.data(), nullptr, dx.data(), m, n, k);
    kernels.linearWeightGradient(g.data(), x.data(), dw.data(), m, n, k);
    reference::linear(x.data(), w.data(), nullptr, wantY.data(), m, n, k);
    reference::linearInputGradient(g.data(), w.data(), nullptr, wantDx.data(), m, n, k);
    reference::linearWeightGradient(g.data(), x.data(), wantDw.data(), m, n, k);
    check(close(y.values(), wantY, tolerance), "y of %ld %ld %ld is off by %g", m, n, k, difference(y.values(), wantY));
    check(close(dx.values(), wantDx, tolerance), "dx of %ld %ld %ld is off by %g", m, n, k, difference(dx.values(), wantDx));
    check(close(dw.values(), wantDw, tolerance), "dw of %ld %ld %ld is off by %g", m, n, k, difference(dw.values(), wantDw));
  }
}

void whatTheLibrarySaysIsTold(const r1::Table& kernels) {
  const Floats x = normals(32), w = normals(32);
  Floats y(4);
  kernels.linear(x.data(), w.data(), nullptr, y.data(), 2, 2, 16);
  fakeCublasLt().failsWith = 13;
  std::string said;
  try {
    kernels.linear(x.data(), w.data(), nullptr, y.data(), 2, 2, 16);
  } catch (const std::runtime_error& error) {
    said = error.what();
  }
  fakeCublasLt().failsWith = 0;
  check(said == "cublasLtMatmul: the function failed to launch on the GPU", "it says '%s'", said.c_str());
}

}  // namespace

void testByLibrary(const r1::Table& kernels) {
  check(r1::instructionSet() == std::string("cuda-on-host+cublaslt130099+attention-by-fake1"), "bits are said to depend on %s", r1::instructionSet());
  withoutAlgorithmOurKernelMultiplies(kernels);
  memoryBeginsAnywhere(kernels);
  extremeShapesAgree(kernels);
  whatTheLibrarySaysIsTold(kernels);
  algorithmsAreAskedForOnce(kernels);
  algorithmsThatChangeBitsAreNotTaken(kernels);
}
