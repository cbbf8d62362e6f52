#include "../kernels/token-probability.h"

#include "guarded.h"
#include "tests.h"

using namespace test;

namespace {

constexpr double tolerance = 2e-6;

struct Shape {
  int64_t rows, vocabulary;
};

std::vector<Shape> shapes() {
  std::vector<Shape> all = {{1, 1}, {1, 255}, {2, 256}, {3, 257}, {1, 20000}};
  for (int i = 0; i < cases(25); i++) all.push_back({between(1, 9), between(1, 1500)});
  return all;
}

struct Reference {
  Floats p, prob;

  Reference(const Floats& logits, const std::vector<int64_t>& targets, Shape s) : p(logits.size()) {
    for (int64_t row = 0; row < s.rows; row++) {
      const float* x = logits.data() + row * s.vocabulary;
      const double largest = *std::max_element(x, x + s.vocabulary);
      double sum = 0;
      for (int64_t j = 0; j < s.vocabulary; j++) sum += std::exp(x[j] - largest);
      for (int64_t j = 0; j < s.vocabulary; j++) p[row * s.vocabulary + j] = float(std::exp(x[j] - largest) / sum);
      prob.push_back(p[row * s.vocabulary + targets[row]]);
    }
  }
};

void agree() {
  for (const Shape& s : shapes()) {
    const Floats logits = normals(s.rows * s.vocabulary, 4);
    std::vector<int64_t> targets(s.rows);
    for (int64_t& target : targets) target = between(0, 3) ? between(0, s.vocabulary - 1) : s.vocabulary - 1;
    const Reference want(logits, targets, s);
    Guarded<float> p(logits.size()), prob(s.rows);
    r1::cuda::tokenProbability(logits.data(), targets.data(), p.data(), prob.data(), s.rows, s.vocabulary);
    const Floats probs = p.values(), found = prob.values();
    check(close(probs, want.p, tolerance), "softmax of [%ld, %ld] is off by %g", s.rows, s.vocabulary, difference(probs, want.p));
    check(close(found, want.prob, tolerance), "prob of [%ld, %ld] is off by %g", s.rows, s.vocabulary, difference(found, want.prob));
    for (int64_t row = 0; row < s.rows; row++) {
      check(found[row] == probs[row * s.vocabulary + targets[row]], "prob is not that of the target");
    }

    Guarded<float> alone(s.vocabulary);
    r1::cuda::tokenProbability(logits.data() + (s.rows - 1) * s.vocabulary, nullptr, alone.data(), nullptr, 1, s.vocabulary);
    check(sameBits(alone.data(), probs.data() + (s.rows - 1) * s.vocabulary, s.vocabulary), "bits of a row alone differ");
  }
}

void extremeLogitsStayFinite() {
  const Floats logits = {1000, -1000, 0};
  const int64_t target = 1;
  float p[3], prob;
  r1::cuda::tokenProbability(logits.data(), &target, p, &prob, 1, 3);
  check(prob == 0 && p[0] == 1 && p[2] == 0, "probabilities of logits far apart are %g, %g and %g", p[0], prob, p[2]);
}

}  // namespace

void testTokenProbability(const r1::Table&) {
  agree();
  extremeLogitsStayFinite();
}
