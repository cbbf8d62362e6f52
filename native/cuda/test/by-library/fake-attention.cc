// Stands in for cuDNN's attention on the CPU: sums in float64 of what lies in its memory, with what the library asks of callers checked. The
// gradient finds weights from the sums that it is given, as cuDNN does, so a cell that is nobody's has to say so.
#include "fake-attention.h"

#include <cmath>
#include <cstring>
#include <vector>

#include "../../../kernels/test/reference.h"

using namespace r1::cuda;

namespace {

constexpr uint64_t workspace = 4096;

/// The heads of one sequence: element (position, head, d) of a tensor of so many heads.
struct Heads {
  const AttentionSizes& of;
  int64_t sequence;

  int64_t at(int64_t heads, int64_t position, int64_t head) const { return ((sequence * of.length + position) * heads + head) * of.headDim; }
  int64_t query(int64_t position, int64_t head) const { return at(of.heads, position, head); }
  int64_t key(int64_t position, int64_t head) const { return at(of.kvHeads, position, head / (of.heads / of.kvHeads)); }
  int64_t logSum(int64_t position, int64_t head) const { return (sequence * of.heads + head) * of.length + position; }

  double dot(const uint16_t* a, int64_t atA, const uint16_t* b, int64_t atB) const {
    double sum = 0;
    for (int64_t d = 0; d < of.headDim; d++) sum += double(reference::widened(a[atA + d])) * reference::widened(b[atB + d]);
    return sum;
  }
  double score(const AttentionTensors& x, int64_t i, int64_t j, int64_t head) const {
    return dot(x.q, query(i, head), x.k, key(j, head)) / std::sqrt(double(of.headDim));
  }
};

void addTimes(std::vector<double>& sums, int64_t at, double factor, const uint16_t* x, int64_t from, int64_t count) {
  for (int64_t d = 0; d < count; d++) sums[at + d] += factor * reference::widened(x[from + d]);
}

void attend(const Heads& in, const AttentionTensors& x, int64_t i, int64_t head) {
  std::vector<double> scores(i + 1), sums(in.of.headDim);
  double largest = -INFINITY, total = 0;
  for (int64_t j = 0; j <= i; j++) largest = std::max(largest, scores[j] = in.score(x, i, j, head));
  for (double& score : scores) total += score = std::exp(score - largest);
  for (int64_t j = 0; j <= i; j++) addTimes(sums, 0, scores[j] / total, x.v, in.key(j, head), in.of.headDim);
  for (int64_t d = 0; d < in.of.headDim; d++) x.out[in.query(i, head) + d] = reference::rounded(float(sums[d]));
  x.logSums[in.logSum(i, head)] = float(largest + std::log(total));
}

struct Gradients {
  std::vector<double> q, k, v;
};

void attendGradient(const Heads& in, const AttentionTensors& x, int64_t i, int64_t head, Gradients& to) {
  const int64_t dim = in.of.headDim, query = in.query(i, head);
  const double mean = in.dot(x.outCotangent, query, x.out, query);
  for (int64_t j = 0; j <= i; j++) {
    const int64_t key = in.key(j, head);
    const double p = std::exp(in.score(x, i, j, head) - x.logSums[in.logSum(i, head)]);
    const double ds = p * (in.dot(x.outCotangent, query, x.v, key) - mean) / std::sqrt(double(dim));
    addTimes(to.q, query, ds, x.k, key, dim);
    addTimes(to.k, key, ds, x.q, query, dim);
    addTimes(to.v, key, p, x.outCotangent, query, dim);
  }
}

void write(const std::vector<double>& from, uint16_t* to) {
  for (size_t i = 0; i < from.size(); i++) to[i] = reference::rounded(float(from[i]));
}

bool isAligned(const void* memory) { return memory != nullptr && reinterpret_cast<uintptr_t>(memory) % 16 == 0; }

bool areThere(const AttentionTensors& x, bool isGradient) {
  const bool ofBoth = isAligned(x.q) && isAligned(x.k) && isAligned(x.v) && isAligned(x.out) && isAligned(x.logSums);
  return ofBoth && (!isGradient || (isAligned(x.outCotangent) && isAligned(x.qCotangent) && isAligned(x.kCotangent) && isAligned(x.vCotangent)));
}

}  // namespace

#define R1_EXPORT extern "C" __attribute__((visibility("default")))

R1_EXPORT FakeAttention& fakeAttention() {
  static FakeAttention fake;
  return fake;
}

R1_EXPORT const char* R1AttentionVersion() { return "fake1"; }

R1_EXPORT const char* R1AttentionPlan(const AttentionSizes* of, bool, uint64_t* workspaceBytes) {
  if (of->headDim % 8 != 0 || of->headDim > 128) return "found a head dimension that is no multiple of 8, or above 128";
  *workspaceBytes = workspace;
  return fakeAttention().refuses;
}

R1_EXPORT const char* R1AttentionRun(const AttentionSizes* of, bool isGradient, const AttentionTensors* tensors, void* memory, void*) {
  if (fakeAttention().fails != nullptr) return fakeAttention().fails;
  if (!areThere(*tensors, isGradient) || !isAligned(memory)) return "found memory that is not there, or not aligned";
  fakeAttention().ran.push_back(*of);
  std::memset(memory, 0xff, workspace);
  const int64_t cells = of->sequences * of->length, ofQueries = cells * of->heads * of->headDim, ofKeys = cells * of->kvHeads * of->headDim;
  Gradients gradients{std::vector<double>(ofQueries), std::vector<double>(ofKeys), std::vector<double>(ofKeys)};
  for (int64_t sequence = 0; sequence < of->sequences; sequence++) {
    const Heads in{*of, sequence};
    for (int64_t i = 0; i < of->length; i++) {
      for (int64_t head = 0; head < of->heads; head++) {
        if (isGradient) attendGradient(in, *tensors, i, head, gradients);
        else attend(in, *tensors, i, head);
      }
    }
  }
  if (!isGradient) return nullptr;
  write(gradients.q, tensors->qCotangent);
  write(gradients.k, tensors->kCotangent);
  write(gradients.v, tensors->vCotangent);
  return nullptr;
}
