// Probabilities of target tokens, and their gradient, a block of the vocabulary at a time: logits of all tokens and of 1,024
// columns are all that is ever held.
#pragma once

#include "elementwise.h"
#include "linear-gradient.h"
#include "linear.h"

namespace r1::R1_TARGET {

void tokenProbability(const float* hidden, const float* table, const int64_t* targets, float* prob, float* logProb,
                      float* top, float* largest, int64_t n, int64_t vocabulary, int64_t d) {
  constexpr float smallest = 1.2e-38f;  // keeps the logarithm of a probability that underflowed finite
  float* logits = scratch<float>(Scratch::scores, n * softmaxBlock);
  RowExponentials* rows = scratch<RowExponentials>(Scratch::sums, n);
  for (int64_t i = 0; i < n; i++) rows[i] = RowExponentials();
  for (int64_t first = 0; first < vocabulary; first += softmaxBlock) {
    const int64_t columns = vocabulary - first < softmaxBlock ? vocabulary - first : softmaxBlock;
    linear(hidden, table + first * d, nullptr, logits, n, columns, d);
    for (int64_t i = 0; i < n; i++) {
      rows[i].add(logits + i * columns, columns);
      if (targets[i] >= first && targets[i] < first + columns) prob[i] = logits[i * columns + targets[i] - first];
    }
  }
  for (int64_t i = 0; i < n; i++) {
    largest[i] = rows[i].largest;
    top[i] = 1 / rows[i].sum;
    prob[i] = exponential(splat(prob[i]) - largest[i])[0] * top[i];
    logProb[i] = float(std::log(double(prob[i] > smallest ? prob[i] : smallest)));
  }
}

void tokenProbabilityGradient(const float* hidden, const float* table, const int64_t* targets, const float* top,
                              const float* largest, const float* c, float* dhidden, float* dtable, int64_t n,
                              int64_t vocabulary, int64_t d) {
  float* logits = scratch<float>(Scratch::scores, n * softmaxBlock);
  for (int64_t first = 0; first < vocabulary; first += softmaxBlock) {
    const int64_t columns = vocabulary - first < softmaxBlock ? vocabulary - first : softmaxBlock;
    const float* part = table + first * d;
    linear(hidden, part, nullptr, logits, n, columns, d);
    for (int64_t i = 0; i < n; i++) {
      float* row = logits + i * columns;
      const float factor = -c[i] * top[i];
      forVectors(columns, [&](auto get, auto put) __attribute__((always_inline)) {
        put(row, exponential(get(row) - largest[i]) * factor);
      });
      if (targets[i] >= first && targets[i] < first + columns) row[targets[i] - first] += c[i];
    }
    linearInputGradient(logits, part, first > 0 ? dhidden : nullptr, dhidden, n, columns, d);
    linearWeightGradient(logits, hidden, dtable + first * d, n, columns, d);
  }
}

}  // namespace r1::R1_TARGET
