#include "check.h"
#include "reference.h"
#include "tests.h"

using namespace test;

namespace {

using reference::rounded, reference::widened;

constexpr double tolerance = 4e-6;  // of the largest element; sums of up to 2,000 terms

struct Sizes {
  int64_t m, n, k;
};

Sizes randomSizes() {
  const int64_t k = between(0, 3) == 0 ? 8 * between(1, 40) : between(1, 2200);
  return {between(1, 40), between(1, 70), k};
}

void agreesWithTheReference(const r1::Table& kernels) {
  for (int i = 0; i < cases(60); i++) {
    const auto [m, n, k] = randomSizes();
    const Floats x = normals(m * k), w = normals(n * k, 0.1f), c = normals(m * n);
    Floats want(m * n), got(m * n), inPlace = c;
    reference::linear(x.data(), w.data(), nullptr, want.data(), m, n, k);
    kernels.linear(x.data(), w.data(), nullptr, got.data(), m, n, k);
    check(close(got, want, tolerance), "linear [%ld, %ld]·[%ld, %ld]ᵀ is off by %g", m, k, n, k, difference(got, want));

    reference::linear(x.data(), w.data(), c.data(), want.data(), m, n, k);
    kernels.linear(x.data(), w.data(), c.data(), got.data(), m, n, k);
    kernels.linear(x.data(), w.data(), inPlace.data(), inPlace.data(), m, n, k);
    check(close(got, want, tolerance), "linear + c is off by %g", difference(got, want));
    check(sameBits(got, inPlace), "linear + c differs where c is the result's memory");
  }
}

/// Every count of rows, every place among them, every alignment.
void rowDependsOnItselfAlone(const r1::Table& kernels) {
  for (const auto& [n, k] : {std::pair<int64_t, int64_t>{30, 576}, {49, 61}, {25, 1536}, {600, 64}, {40, 1024}}) {
    const Floats x = normals(70 * k), w = normals(n * k, 0.1f), c = normals(70 * n);
    Floats all(70 * n);
    kernels.linear(x.data(), w.data(), c.data(), all.data(), 70, n, k);
    for (int64_t m = 1; m <= 64; m += oneIn) {
      const int64_t first = m % 7, shift = m % 16;
      Floats moved(m * k + shift), wMoved(n * k + shift), some(m * n + shift);
      std::copy_n(x.begin() + first * k, m * k, moved.begin() + shift);
      std::copy_n(w.begin(), n * k, wMoved.begin() + shift);
      kernels.linear(moved.data() + shift, wMoved.data() + shift, c.data() + first * n, some.data() + shift, m, n, k);
      check(sameBits(some.data() + shift, all.data() + first * n, m * n), "linear n %ld k %ld: bits of %ld rows differ", n, k, m);
    }
  }
}

struct Rounded {
  std::vector<uint16_t> upper;
  Floats values;
};

Rounded roundedAll(const Floats& values) {
  Rounded all;
  for (float value : values) all.upper.push_back(rounded(value)), all.values.push_back(widened(all.upper.back()));
  return all;
}

/// So too in bfloat16, forward and backward.
void bf16RowDependsOnItselfAlone(const r1::Table& kernels) {
  for (const auto& [n, k] : {std::pair<int64_t, int64_t>{30, 576}, {49, 61}, {96, 700}, {600, 64}}) {
    const Floats x = normals(70 * k), g = normals(70 * n);
    const Rounded w = roundedAll(normals(n * k, 0.1f));
    Floats all(70 * n), allSlopes(70 * k);
    kernels.linearBf16(x.data(), w.upper.data(), nullptr, all.data(), 70, n, k);
    kernels.linearInputGradientBf16(g.data(), w.upper.data(), nullptr, allSlopes.data(), 70, n, k);
    for (int64_t m = 1; m <= 64; m += oneIn) {
      const int64_t first = m % 7;
      Floats some(m * n), slopes(m * k);
      kernels.linearBf16(x.data() + first * k, w.upper.data(), nullptr, some.data(), m, n, k);
      check(sameBits(some.data(), all.data() + first * n, m * n), "linearBf16 n %ld k %ld: bits of %ld rows differ", n, k, m);
      kernels.linearInputGradientBf16(g.data() + first * n, w.upper.data(), nullptr, slopes.data(), m, n, k);
      check(sameBits(slopes.data(), allSlopes.data() + first * k, m * k), "bf16 dx n %ld k %ld: bits of %ld rows differ", n, k, m);
    }
  }
}

/// Any number of rows, with one piece of k, several, and a last one that is shorter.
void panelsGiveTheSameBits(const r1::Table& kernels) {
  for (const auto& [n, k] : {std::pair<int64_t, int64_t>{16, 1}, {48, 61}, {32, 576}, {16, 1530}, {608, 64}, {48, 1024}}) {
    const Floats x = normals(200 * k), w = normals(n * k, 0.1f), c = normals(200 * n);
    Floats panels(n * k, NAN);
    kernels.linearPanels(w.data(), panels.data(), n, k);
    for (int64_t m : {1, 2, 3, 4, 5, 6, 7, 12, 13, 16, 31, 64, 192, 193, 200}) {
      Floats want(m * n), got(m * n, NAN), inPlace(c.begin(), c.begin() + m * n);
      kernels.linear(x.data(), w.data(), nullptr, want.data(), m, n, k);
      kernels.linearPacked(x.data(), panels.data(), nullptr, got.data(), m, n, k);
      check(sameBits(got, want), "packed n %ld k %ld: bits of %ld rows differ", n, k, m);
      kernels.linear(x.data(), w.data(), c.data(), want.data(), m, n, k);
      kernels.linearPacked(x.data(), panels.data(), inPlace.data(), inPlace.data(), m, n, k);
      check(sameBits(inPlace, want), "packed + c n %ld k %ld: bits of %ld rows differ", n, k, m);
    }
  }
  Floats three = normals(3 * 16), sum(3 * 16, NAN);
  kernels.linearPacked(nullptr, nullptr, three.data(), sum.data(), 3, 16, 0);
  check(sameBits(sum, three), "packed: no terms give another result than c");
}

void bf16PanelsGiveTheSameBits(const r1::Table& kernels) {
  for (const auto& [n, k] : {std::pair<int64_t, int64_t>{32, 2}, {64, 62}, {32, 576}, {32, 1530}, {608, 64}, {64, 1024}}) {
    const Floats x = normals(200 * k), c = normals(200 * n);
    const Rounded w = roundedAll(normals(n * k, 0.1f));
    std::vector<uint16_t> panels(n * k, 0x7fc0);
    kernels.linearPanelsBf16(w.upper.data(), panels.data(), n, k);
    for (int64_t m : {1, 2, 3, 4, 5, 6, 7, 12, 13, 16, 31, 64, 192, 193, 200}) {
      Floats want(m * n), got(m * n, NAN), inPlace(c.begin(), c.begin() + m * n);
      kernels.linearBf16(x.data(), w.upper.data(), nullptr, want.data(), m, n, k);
      kernels.linearPackedBf16(x.data(), panels.data(), nullptr, got.data(), m, n, k);
      check(sameBits(got, want), "packed bf16 n %ld k %ld: bits of %ld rows differ", n, k, m);
      kernels.linearBf16(x.data(), w.upper.data(), c.data(), want.data(), m, n, k);
      kernels.linearPackedBf16(x.data(), panels.data(), inPlace.data(), inPlace.data(), m, n, k);
      check(sameBits(inPlace, want), "packed bf16 + c n %ld k %ld: bits of %ld rows differ", n, k, m);
    }
  }
}

void gradientsAgree(const r1::Table& kernels) {
  for (int i = 0; i < cases(40); i++) {
    auto [m, n, k] = randomSizes();
    if (i % 4 == 0) m = between(180, 1200);
    if (i % 4 == 1) n = between(180, 1200);
    if (i % 4 < 2) k = between(1, 70);
    const Floats g = normals(m * n), w = normals(n * k, 0.1f), x = normals(m * k), c = normals(m * k);
    Floats want(m * k), got(m * k, NAN), inPlace = c;
    reference::linearInputGradient(g.data(), w.data(), nullptr, want.data(), m, n, k);
    kernels.linearInputGradient(g.data(), w.data(), nullptr, got.data(), m, n, k);
    check(close(got, want, tolerance), "dx [%ld, %ld]·[%ld, %ld] is off by %g", m, n, n, k, difference(got, want));
    Floats single(k);
    kernels.linearInputGradient(g.data() + (m - 1) * n, w.data(), nullptr, single.data(), 1, n, k);
    check(sameBits(single.data(), got.data() + (m - 1) * k, k), "dx: bits of a single row differ");
    reference::linearInputGradient(g.data(), w.data(), c.data(), want.data(), m, n, k);
    kernels.linearInputGradient(g.data(), w.data(), c.data(), got.data(), m, n, k);
    kernels.linearInputGradient(g.data(), w.data(), inPlace.data(), inPlace.data(), m, n, k);
    check(close(got, want, tolerance) && sameBits(got, inPlace), "dx + c is off by %g", difference(got, want));

    Floats dw = normals(n * k), wantDw = dw;
    reference::linearWeightGradient(g.data(), x.data(), wantDw.data(), m, n, k);
    kernels.linearWeightGradient(g.data(), x.data(), dw.data(), m, n, k);
    check(close(dw, wantDw, tolerance), "dw [%ld, %ld]ᵀ·[%ld, %ld] is off by %g", m, n, m, k, difference(dw, wantDw));
  }
}

void bf16GradientsAreThoseOfRoundedNumbers(const r1::Table& kernels) {
  for (int i = 0; i < cases(20); i++) {
    auto [m, n, k] = randomSizes();
    if (i % 4 == 0) m = between(700, 1000);
    if (i % 4 == 1) n = between(700, 1000);
    if (i % 4 < 2) k = between(1, 70);
    const Floats g = normals(m * n), x = normals(m * k), c = normals(m * k);
    const Rounded w = roundedAll(normals(n * k, 0.1f)), roundedG = roundedAll(g), roundedX = roundedAll(x);
    Floats want(m * k), got(m * k, NAN), single(k);
    kernels.linearInputGradient(roundedG.values.data(), w.values.data(), c.data(), want.data(), m, n, k);
    kernels.linearInputGradientBf16(g.data(), w.upper.data(), c.data(), got.data(), m, n, k);
    check(close(got, want, tolerance), "bf16 dx %ld %ld %ld is off by %g", m, n, k, difference(got, want));
    kernels.linearInputGradientBf16(g.data() + (m - 1) * n, w.upper.data(), c.data() + (m - 1) * k, single.data(), 1, n, k);
    check(sameBits(single.data(), got.data() + (m - 1) * k, k), "bf16 dx: bits of a single row differ");
    kernels.linearInputGradient(roundedG.values.data(), w.values.data(), nullptr, want.data(), m, n, k);
    kernels.linearInputGradientBf16(g.data(), w.upper.data(), nullptr, got.data(), m, n, k);
    check(close(got, want, tolerance), "bf16 dx without c is off by %g", difference(got, want));

    Floats dw = normals(n * k), wantDw = dw;
    kernels.linearWeightGradient(roundedG.values.data(), roundedX.values.data(), wantDw.data(), m, n, k);
    kernels.linearWeightGradientBf16(g.data(), x.data(), dw.data(), m, n, k);
    check(close(dw, wantDw, tolerance), "bf16 dw %ld %ld %ld is off by %g", m, n, k, difference(dw, wantDw));
  }
}

void bf16IsTheProductOfRoundedNumbers(const r1::Table& kernels) {
  for (int i = 0; i < cases(20); i++) {
    const auto [m, n, k] = randomSizes();
    const Floats x = normals(m * k), w = normals(n * k, 0.1f);
    std::vector<uint16_t> upper;
    Floats xRounded, wRounded, want(m * n), got(m * n);
    for (float value : w) upper.push_back(rounded(value)), wRounded.push_back(widened(upper.back()));
    for (float value : x) xRounded.push_back(widened(rounded(value)));
    reference::linear(xRounded.data(), wRounded.data(), nullptr, want.data(), m, n, k);
    kernels.linearBf16(x.data(), upper.data(), nullptr, got.data(), m, n, k);
    check(close(got, want, tolerance), "linearBf16 %ld %ld %ld is off by %g", m, n, k, difference(got, want));
    Floats single(n);
    kernels.linearBf16(x.data() + (m - 1) * k, upper.data(), nullptr, single.data(), 1, n, k);
    check(sameBits(single.data(), got.data() + (m - 1) * n, n), "linearBf16: bits of a single row differ");
  }
}

}  // namespace

void testLinear(const r1::Table& kernels) {
  agreesWithTheReference(kernels);
  rowDependsOnItselfAlone(kernels);
  panelsGiveTheSameBits(kernels);
  bf16PanelsGiveTheSameBits(kernels);
  gradientsAgree(kernels);
  bf16IsTheProductOfRoundedNumbers(kernels);
  bf16GradientsAreThoseOfRoundedNumbers(kernels);
  bf16RowDependsOnItselfAlone(kernels);
}

void testRowsInParts(const r1::Table& kernels) {
  for (int i = 0; i < cases(20); i++) {
    const auto [m, n, k] = Sizes{i % 2 == 0 ? between(2, 40) : between(180, 1200), between(1, 70), between(1, 70)};
    const Floats g = normals(m * n), x = normals(m * k);
    Floats whole = normals(n * k), halves = whole;
    kernels.linearWeightGradient(g.data(), x.data(), whole.data(), m, n, k);
    kernels.linearWeightGradient(g.data(), x.data(), halves.data(), m / 2, n, k);
    kernels.linearWeightGradient(g.data() + m / 2 * n, x.data() + m / 2 * k, halves.data(), m - m / 2, n, k);
    check(sameBits(whole, halves), "dw [%ld, %ld]ᵀ·[%ld, %ld]: rows in two parts give other bits", m, n, m, k);
  }
}
