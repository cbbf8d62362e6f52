// The policy loss and its derivative by the probability of each token: the formulas, bounds and ties of trainer/losses/policy-loss.ts.
#pragma once

#include "threads.h"
#include "token-probability.h"

namespace r1::cuda {

/// Inputs of the loss: `tokenInputs`, one number a token, and `settingInputs`, one in all.
struct PolicyInputs {
  const float *weight, *advantage, *oldProb, *refProb;
  const float *ratioLow, *ratioHigh, *dualClip, *klCoefficient;
};

struct LossAndSlope {
  float loss, slope;
};

constexpr float leastRatio = 2.0611536e-9f, greatestRatio = 4.8516520e8f, greatestK3 = 10;  // e⁻²⁰, e²⁰

__device__ inline float atLeast(float x, float bound) { return x >= bound ? x : bound; }
__device__ inline float atMost(float x, float bound) { return x <= bound ? x : bound; }
__device__ inline bool isBetween(float x, float low, float high) { return low <= x && x <= high; }

/// Of one token, before its weight.
__device__ inline LossAndSlope surrogateOf(float prob, float oldProb, float advantage, float low, float high, float dualClip) {
  const float old = atLeast(oldProb, smallestProbability), quotient = prob / old;
  const float ratio = atMost(atLeast(quotient, leastRatio), greatestRatio);
  const float clipped = atMost(atLeast(ratio, low), high);
  const bool isUnclipped = ratio * advantage <= clipped * advantage;
  const float pessimistic = isUnclipped ? ratio * advantage : clipped * advantage;
  const float bound = atMost(advantage, 0) * dualClip;
  if (pessimistic < bound) return {-bound, 0};
  const bool moves = isBetween(quotient, leastRatio, greatestRatio) && (isUnclipped || isBetween(ratio, low, high));
  return {-pessimistic, moves ? -advantage / old : 0.f};
}

__device__ inline LossAndSlope k3Of(float prob, float refProb) {
  const float p = atLeast(prob, smallestProbability), quotient = refProb / p;
  const float ratio = atMost(atLeast(quotient, leastRatio), greatestRatio);
  const float k3 = ratio - float(log(double(ratio))) - 1.f;
  if (k3 > greatestK3) return {greatestK3, 0};
  const bool moves = isBetween(quotient, leastRatio, greatestRatio) && prob >= smallestProbability;
  return {k3, moves ? (1.f - 1.f / ratio) * (-quotient / p) : 0.f};
}

/// loss [1] and slopes [n], its derivative by each of prob [n]. A weight of 0 leaves a token out. One block.
__global__ inline void __launch_bounds__(blockThreads, 1)
    policyLossOf(const float* prob, PolicyInputs of, float* loss, float* slopes, int64_t n) {
  R1_SHARED(OfWarps<double>, shared);
  double sum = 0;
  for (int64_t i = threadIdx.x; i < n; i += blockThreads) {
    slopes[i] = 0;
    if (of.weight[i] == 0) continue;
    const LossAndSlope surrogate = surrogateOf(prob[i], of.oldProb[i], of.advantage[i], *of.ratioLow, *of.ratioHigh, *of.dualClip);
    const LossAndSlope k3 = k3Of(prob[i], of.refProb[i]);
    sum += double(of.weight[i]) * double(surrogate.loss + *of.klCoefficient * k3.loss);
    slopes[i] = of.weight[i] * (surrogate.slope + *of.klCoefficient * k3.slope);
  }
  sum = overBlock<Sum>(sum, shared);
  if (threadIdx.x == 0) *loss = float(sum);
}

inline void policyLoss(const float* prob, const PolicyInputs& of, float* loss, float* slopes, int64_t n) {
  launch(policyLossOf, dim3(1), dim3(blockThreads), sizeof(OfWarps<double>), prob, of, loss, slopes, n);
}

}  // namespace r1::cuda
