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

/// Σ over a row, and what is asked of its target.
struct Reference {
  Floats p, prob, logProb, top;

  Reference(const Floats& logits, const std::vector<int64_t>& targets, Shape s) : p(logits.size()) {
    for (int64_t row = 0; row < s.rows; row++) {
      const float* x = logits.data() + row * s.vocabulary;
      const double largest = *std::max_element(x, x + s.vocabulary);
      double sum = 0;
      for (int64_t j = 0; j < s.vocabulary; j++) sum += std::exp(x[j] - largest);
      for (int64_t j = 0; j < s.vocabulary; j++) p[row * s.vocabulary + j] = float(std::exp(x[j] - largest) / sum);
      const double log = x[targets[row]] - largest - std::log(sum);
      prob.push_back(float(std::exp(log)));
      logProb.push_back(float(std::max(log, std::log(1.2e-38))));
      top.push_back(float(1 / sum));
    }
  }
};

void agree() {
  for (const Shape& s : shapes()) {
    const Floats logits = normals(s.rows * s.vocabulary, 4), gProb = normals(s.rows), gLog = normals(s.rows);
    std::vector<int64_t> targets(s.rows);
    for (int64_t& target : targets) target = between(0, 3) ? between(0, s.vocabulary - 1) : s.vocabulary - 1;
    const Reference want(logits, targets, s);
    Guarded<float> p(logits), prob(s.rows), logProb(s.rows), top(s.rows);
    r1::cuda::tokenProbability(p.data(), {targets.data(), prob.data(), logProb.data(), top.data()}, s.rows, s.vocabulary);
    const Floats probs = p.values(), found = prob.values();
    check(close(probs, want.p, tolerance), "softmax of [%ld, %ld] is off by %g", s.rows, s.vocabulary, difference(probs, want.p));
    check(close(found, want.prob, tolerance), "prob of [%ld, %ld] is off by %g", s.rows, s.vocabulary, difference(found, want.prob));
    check(close(logProb.values(), want.logProb, tolerance), "logProb of [%ld, %ld] is off", s.rows, s.vocabulary);
    check(close(top.values(), want.top, tolerance), "top of [%ld, %ld] is off", s.rows, s.vocabulary);
    for (int64_t row = 0; row < s.rows; row++) {
      const float* x = probs.data() + row * s.vocabulary;
      check(top.values()[row] == *std::max_element(x, x + s.vocabulary), "top is not the largest");
      check(found[row] == x[targets[row]], "prob is not that of the target");
    }

    Guarded<float> alone(Floats(logits.end() - s.vocabulary, logits.end()));
    r1::cuda::tokenProbability(alone.data(), {nullptr, nullptr, nullptr, nullptr}, 1, s.vocabulary);
    check(sameBits(alone.data(), probs.data() + (s.rows - 1) * s.vocabulary, s.vocabulary), "bits of a row alone differ");

    for (const auto& [prob, log] : {std::pair{gProb.data(), gLog.data()}, {gProb.data(), nullptr}, {nullptr, gLog.data()}}) {
      Guarded<float> slopes(probs);
      r1::cuda::tokenProbabilityGradient(slopes.data(), targets.data(), found.data(), prob, log, s.rows, s.vocabulary);
      Floats wanted(probs.size());
      for (int64_t row = 0; row < s.rows; row++) {
        const double c = (prob ? double(prob[row]) * want.prob[row] : 0) + (log ? log[row] : 0);
        for (int64_t j = 0; j < s.vocabulary; j++) {
          wanted[row * s.vocabulary + j] = float(c * ((j == targets[row]) - double(want.p[row * s.vocabulary + j])));
        }
      }
      check(close(slopes.values(), wanted, 2 * tolerance), "gradient of [%ld, %ld] is off by %g", s.rows, s.vocabulary,
            difference(slopes.values(), wanted));
    }
  }
}

/// A probability that underflows has a finite logarithm.
void extremeLogitsStayFinite() {
  Floats logits = {1000, -1000, 0};
  const int64_t target = 1;
  float prob, logProb, top;
  r1::cuda::tokenProbability(logits.data(), {&target, &prob, &logProb, &top}, 1, 3);
  check(prob == 0 && top == 1 && std::fabs(logProb - std::log(1.2e-38)) < 1e-4, "a probability of 0 has the logarithm %g", logProb);
}

}  // namespace

void testTokenProbability(const r1::Table&) {
  agree();
  extremeLogitsStayFinite();
}
