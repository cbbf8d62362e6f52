#include "../kernels/policy-loss.h"

#include "guarded.h"
#include "tests.h"

using namespace test;

namespace {

struct Settings {
  float low, high, dual, kl;
};

/// What policyLoss in trainer/losses/policy-loss.ts computes, of one token.
double lossOf(double prob, double oldProb, double refProb, double advantage, const Settings& s) {
  const auto ratioOf = [](double p, double other) { return std::min(std::max(p / std::max(other, 1.2e-38), std::exp(-20)), std::exp(20)); };
  const double ratio = ratioOf(prob, oldProb), clipped = std::min<double>(s.high, std::max<double>(s.low, ratio));
  const double surrogate = -std::max(std::min(ratio * advantage, clipped * advantage), s.dual * std::min(advantage, 0.));
  const double other = ratioOf(refProb, prob);
  return surrogate + s.kl * std::min(other - std::log(other) - 1, 10.);
}

/// Derivatives by central differences, except next to a corner.
void agree() {
  for (int i = 0; i < cases(40); i++) {
    const int64_t n = i % 4 == 0 ? between(1, 3) : between(1, 900);
    const Settings s{0.8f, 1.28f, i % 3 == 0 ? 1.5f : 3e38f, i % 2 ? 0.04f : 0.f};
    Floats prob, oldProb, refProb, advantage = normals(n), weight;
    for (int64_t t = 0; t < n; t++) {
      prob.push_back(std::exp2(-float(between(0, 9))) * 0.9f);
      oldProb.push_back(between(0, 3) ? prob[t] * float(std::exp(double(between(-8, 8)) / 8)) : prob[t]);
      refProb.push_back(prob[t] * float(std::exp(double(between(-8, 8)) / 4)));
      weight.push_back(between(0, 4) ? 1.f / float(n) : 0);
      if (weight[t] == 0 && between(0, 1)) prob[t] = NAN;
    }
    Guarded<float> loss(1), slopes(n);
    r1::cuda::policyLoss(prob.data(), {weight.data(), advantage.data(), oldProb.data(), refProb.data(), &s.low, &s.high, &s.dual, &s.kl},
                         loss.data(), slopes.data(), n);
    double want = 0;
    const Floats found = slopes.values();
    digestNumbers(found.data(), found.size());
    digestNumbers(loss.data(), 1);
    for (int64_t t = 0; t < n; t++) {
      if (weight[t] == 0) {
        check(found[t] == 0, "a token that is left out has the slope %g", found[t]);
        continue;
      }
      const auto at = [&](double p) { return double(weight[t]) * lossOf(p, oldProb[t], refProb[t], advantage[t], s); };
      want += at(prob[t]);
      const double step = prob[t] * 1e-6, right = (at(prob[t] + step) - at(prob[t])) / step, left = (at(prob[t]) - at(prob[t] - step)) / step;
      if (std::fabs(right - left) > 1e-3 * (std::fabs(right) + std::fabs(left))) continue;
      check(std::fabs(found[t] - (left + right) / 2) <= 2e-4 * std::fabs(right) + 1e-6 * double(weight[t]), "the slope at %g of %g is %g, expected %g",
            prob[t], oldProb[t], found[t], right);
    }
    check(std::fabs(*loss.data() - want) <= 1e-5 * (1 + std::fabs(want)), "the loss of %ld tokens is %g, expected %g", n, *loss.data(), want);
  }
}

/// Corners, by hand: where nothing has moved, at a probability of 0, and beyond what counts.
void cornersHaveTheSlopesOfTheGraph() {
  const float low = 0.8f, high = 1.2f, none = 3e38f, kl = 0, penalty = 1, one = 1;
  const auto slopeOf = [&](float prob, float oldProb, float refProb, float advantage, const float& coefficient) {
    float loss, slope;
    r1::cuda::policyLoss(&prob, {&one, &advantage, &oldProb, &refProb, &low, &high, &none, &coefficient}, &loss, &slope, 1);
    return slope;
  };
  check(slopeOf(0.5f, 0.5f, 0.5f, 2, kl) == -4, "an unmoved token has the slope %g", slopeOf(0.5f, 0.5f, 0.5f, 2, kl));
  check(slopeOf(0.9f, 0.5f, 0.5f, 2, kl) == 0, "a token beyond the clip has a slope");
  check(slopeOf(0.9f, 0.5f, 0.5f, -2, kl) == 4, "a bad token beyond the clip has no slope");
  check(slopeOf(0.f, 0.5f, 0.5f, 2, kl) == 0, "a ratio below e⁻²⁰ has a slope");
  check(slopeOf(0.5f, 0.5f, 0.5f, 0, penalty) == 0, "a token at its reference has a slope");
  check(slopeOf(1e-3f, 1e-3f, 0.9f, 0, penalty) == 0, "k3 above 10 has a slope");
}

}  // namespace

void testPolicyLoss(const r1::Table&) {
  agree();
  cornersHaveTheSlopesOfTheGraph();
}
