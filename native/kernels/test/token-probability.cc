#include "check.h"
#include "reference.h"
#include "tests.h"

using namespace test;

namespace {

struct Case {
  int64_t n, vocabulary, d;
  Floats hidden, table, c;
  std::vector<int64_t> targets;
};

Case randomCase() {
  Case a{between(1, 40), between(0, 1) ? between(1, 60) : between(1000, 3100), between(1, 100), {}, {}, {}, {}};
  a.hidden = normals(a.n * a.d);
  a.table = normals(a.vocabulary * a.d, 0.3f);
  a.c = normals(a.n);
  for (int64_t i = 0; i < a.n; i++) a.targets.push_back(between(0, a.vocabulary - 1));
  return a;
}

struct Probabilities {
  Floats prob, logProb, top, largest;
};

Probabilities probabilitiesOf(const r1::Table& kernels, const Case& a, int64_t n) {
  Probabilities p{Floats(n), Floats(n), Floats(n), Floats(n)};
  kernels.tokenProbability(a.hidden.data(), a.table.data(), a.targets.data(), p.prob.data(), p.logProb.data(), p.top.data(),
                           p.largest.data(), n, a.vocabulary, a.d);
  return p;
}

/// What a sampler sees of the same row.
void probabilityHasTheBitsOfSoftmax(const r1::Table& kernels) {
  for (int i = 0; i < 20; i++) {
    const Case a = randomCase();
    Floats logits(a.n * a.vocabulary);
    kernels.linear(a.hidden.data(), a.table.data(), nullptr, logits.data(), a.n, a.vocabulary, a.d);
    kernels.softmax(logits.data(), a.n, a.vocabulary);
    const Probabilities p = probabilitiesOf(kernels, a, a.n);
    for (int64_t row = 0; row < a.n; row++) {
      const float* of = logits.data() + row * a.vocabulary;
      check(of[a.targets[row]] == p.prob[row], "probability of a target is %g, of softmax %g", p.prob[row], of[a.targets[row]]);
      check(*std::max_element(of, of + a.vocabulary) == p.top[row], "largest probability is another");
      check(std::fabs(p.logProb[row] - std::log(double(p.prob[row]))) < 1e-6 || p.prob[row] < 1.2e-38f, "ln p is off");
    }
    const Probabilities first = probabilitiesOf(kernels, a, 1);
    check(first.prob[0] == p.prob[0], "probability of a single row has other bits");
  }
}

void gradientAgreesWithTheReference(const r1::Table& kernels) {
  for (int i = 0; i < 15; i++) {
    const Case a = randomCase();
    const Probabilities p = probabilitiesOf(kernels, a, a.n);
    Floats dhidden(a.n * a.d, NAN), dtable = normals(a.vocabulary * a.d), want(a.n * a.d), wantTable = dtable;
    kernels.tokenProbabilityGradient(a.hidden.data(), a.table.data(), a.targets.data(), p.top.data(), p.largest.data(),
                                     a.c.data(), dhidden.data(), dtable.data(), a.n, a.vocabulary, a.d);
    Floats s(a.n * a.vocabulary), largest(a.n), lse(a.n);
    reference::linear(a.hidden.data(), a.table.data(), nullptr, s.data(), a.n, a.vocabulary, a.d);
    reference::logSumExp(s.data(), largest.data(), lse.data(), a.n, a.vocabulary);
    for (int64_t row = 0; row < a.n; row++) {
      for (int64_t j = 0; j < a.vocabulary; j++) {
        float& one = s[row * a.vocabulary + j];
        one = float(a.c[row] * ((j == a.targets[row]) - std::exp(double(one) - lse[row])));
      }
    }
    reference::linearInputGradient(s.data(), a.table.data(), nullptr, want.data(), a.n, a.vocabulary, a.d);
    reference::linearWeightGradient(s.data(), a.hidden.data(), wantTable.data(), a.n, a.vocabulary, a.d);
    check(close(dhidden, want, 4e-6), "dhidden is off by %g", difference(dhidden, want));
    check(close(dtable, wantTable, 4e-6), "dtable is off by %g", difference(dtable, wantTable));
  }
}

}  // namespace

void testTokenProbability(const r1::Table& kernels) {
  probabilityHasTheBitsOfSoftmax(kernels);
  gradientAgreesWithTheReference(kernels);
}
