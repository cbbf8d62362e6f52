// Every kernel once or twice with threads of the system, for ThreadSanitizer: a report ends the program with its code. What comes out is
// tested in ../main.cc.
#include <cstdio>
#include <vector>

#include "../../../kernels/kernels.h"
#include "../../kernels/cache.h"
#include "../../kernels/copies.h"
#include "../../kernels/linear.h"
#include "../../kernels/rows.h"
#include "../../kernels/sampling.h"
#include "../../kernels/sequence-cells.h"
#include "../../kernels/token-probability.h"

namespace {

using Floats = std::vector<float>;
using Integers = std::vector<int64_t>;

Floats some(int64_t count) {
  Floats values(count);
  for (int64_t i = 0; i < count; i++) values[i] = float((i * 7919) % 101) / 101 + 0.01f;
  return values;
}

void elementwise() {
  const int64_t m = 70, d = 40;
  const Floats x = some(m * d), g = some(m * d), weight = some(d);
  const float epsilon = 1e-6f;
  Floats y(m * d), r(m), dw(d), other(m * d);
  double sum;
  r1::rmsNorm(x.data(), weight.data(), &epsilon, y.data(), r.data(), m, d);
  r1::rmsNormInputGradient(g.data(), x.data(), weight.data(), r.data(), x.data(), y.data(), m, d);
  r1::rmsNormWeightGradient(g.data(), x.data(), r.data(), dw.data(), m, d);
  r1::roundBf16(x.data(), y.data(), 300);
  r1::swiglu(x.data(), g.data(), y.data(), 300);
  r1::swigluGradient(x.data(), g.data(), g.data(), y.data(), other.data(), 300);
  r1::addBias(y.data(), weight.data(), 10, d);
  const Integers positions(m, 3);
  r1::normalizedRotary(x.data(), weight.data(), &epsilon, positions.data(), some(4 * d).data(), some(4 * d).data(), y.data(), r.data(), 10, 2,
                       20);
  const r1::AdamW factors{1, 0.9f, 0.1f, 0.99f, 0.01f, 0, 0.1f, 1, 1e-8f};
  Floats p = some(300), first = some(300), second = some(300);
  r1::adamw(&factors, p.data(), first.data(), second.data(), g.data(), 300);
  r1::sumOfSquares(some(5000).data(), &sum, 5000);
}

void linear() {
  const int64_t m = 66, n = 32, k = 34;
  const Floats x = some(m * k), w = some(n * k), g = some(m * n);
  Floats y(m * n), dx(m * k), dw(n * k), panels(n * k);
  r1::linear(x.data(), w.data(), nullptr, y.data(), m, n, k);
  r1::linearPanels(w.data(), panels.data(), n, k);
  r1::linearPacked(x.data(), panels.data(), y.data(), y.data(), m, n, k);
  r1::linearInputGradient(g.data(), w.data(), nullptr, dx.data(), m, n, k);
  r1::linearWeightGradientBf16(g.data(), x.data(), dw.data(), m, n, k);
  std::vector<uint16_t> copy(m * k);
  using Rows = r1::cuda::Strided<float>;
  r1::cuda::forEach(m * k, r1::cuda::writeRows<Rows, uint16_t>, Rows{x.data(), k, 1}, copy.data(), m, k);
  r1::cuda::forEach(m * k, r1::cuda::writeNoise<uint16_t>, copy.data(), 1, m * k);
}

void attention() {
  const r1::AttentionShape shape{34, 2, 20, 4, 2, 6};  // the second sequence begins with 6 tokens of the first
  Integers places, origins;
  for (int64_t position = 0; position < 20; position++) places.push_back(position), origins.push_back(position);
  for (int64_t position = 0; position < 20; position++) places.push_back(position < 6 ? position : 14 + position);
  for (int64_t position = 6; position < 20; position++) origins.push_back(20 + position);
  const Floats q = some(34 * 24), k = some(34 * 12), v = some(34 * 12);
  Floats out(34 * 24), lse(34 * 4), dq(34 * 24), dk(34 * 12), dv(34 * 12);
  r1::attention(shape, q.data(), k.data(), v.data(), places.data(), origins.data(), out.data(), lse.data());
  r1::attentionGradient(shape, q.data(), k.data(), v.data(), places.data(), origins.data(), out.data(), lse.data(), q.data(), dq.data(),
                        dk.data(), dv.data());
  const r1::CacheShape cache{2, 4, 2, 6, 2};
  const Integers positions{17, 3}, table{0, 1, 2, 3};
  Floats keys = some(4 * 2 * 16 * 6), values = keys;
  r1::cachedAttention(cache, q.data(), k.data(), v.data(), positions.data(), table.data(), keys.data(), values.data(), out.data());
  Integers block(20), offset(20);
  for (int64_t token = 0; token < 20; token++) block[token] = 1 + token / 16, offset[token] = token % 16;
  r1::cuda::writePrompts(k.data(), v.data(), block.data(), offset.data(), keys.data(), values.data(), 20, 2, 6);
}

void cells() {
  const r1::cuda::SequenceCells cells{2, 20, 32};
  Integers numbers(40);
  for (int64_t i = 0; i < 40; i++) numbers[i] = i;
  Floats x = some(40 * 12), logSums = some(40 * 4), ofCells(2 * 4 * 32);
  std::vector<uint16_t> halves(64 * 12);
  using namespace r1::cuda;
  forEach(64 * 12, toCells, x.data(), numbers.data(), cells, halves.data(), 12);
  forEach(64 * 4, logSumsToCells, logSums.data(), numbers.data(), cells, ofCells.data(), 4);
  forEach(40 * 12, fromCells, halves.data(), numbers.data(), cells, x.data(), 40, 12);
  forEach(40 * 4, logSumsFromCells, ofCells.data(), numbers.data(), cells, logSums.data(), 40, 4);
  forEach(40 * 12, sumsFromCells, halves.data(), numbers.data(), numbers.data(), cells, x.data(), 40, 12);
}

void head() {
  const int64_t rows = 2, vocabulary = 300;
  const Floats logits = some(rows * vocabulary);
  Floats p(rows * vocabulary), prob(rows);
  const Integers targets{5, 299}, topK{vocabulary, 7}, from{1, 0};
  r1::cuda::tokenProbability(logits.data(), targets.data(), p.data(), prob.data(), rows, vocabulary);
  for (const std::vector<double>& topP : {std::vector<double>{1, 0.9}, {0.5, 1}}) {
    const std::vector<double> u{0.3, 0.8};
    std::vector<double> sums(rows * 5);
    std::vector<int32_t> tokens(rows);
    r1::cuda::sampleTokens(p.data(), {from.data(), u.data(), topK.data(), topP.data()}, sums.data(), tokens.data(), prob.data(), rows, vocabulary);
  }
  Floats table = some(10 * 5), taken(4 * 5);
  const Integers occurrences{7, 2, 7, 7};
  Integers links(8);
  r1::cuda::addRows(table.data(), occurrences.data(), taken.data(), links.data(), 4, 5);
}

}  // namespace

int main() {
  elementwise();
  linear();
  attention();
  cells();
  head();
  std::puts("no races");
}
