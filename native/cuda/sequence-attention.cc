// A list of tokens is written into cells as the library has them, and what comes out is read from there. A plan is for one number of
// sequences and one length, so lengths are rounded up and sequences go in parts whose number is a power of two: few plans serve all lists.
// A deterministic gradient of cuDNN keeps all its scores in bfloat16, which bounds a part, too.
#include "sequence-attention.h"

#include <dlfcn.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "../kernels/scratch.h"
#include "attention-library.h"
#include "kernels/attention.h"
#include "kernels/copies.h"
#include "kernels/sequence-cells.h"

#ifndef R1_ATTENTION
#define R1_ATTENTION "libr1attention.so"
#endif

namespace r1::cuda {

namespace {

constexpr int64_t lengthUnit = 128;
constexpr int64_t mostScores = int64_t(1) << 28;

template <class Function>
bool find(void* library, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(library, name));
  return function != nullptr;
}

/// By its name a process finds what it has loaded.
const AttentionLibrary* openLibrary() {
  void* opened = dlopen(R1_ATTENTION, RTLD_NOW | RTLD_LOCAL);
  if (opened == nullptr) return nullptr;
  static AttentionLibrary library;
  const bool isWhole = find(opened, "R1AttentionVersion", library.Version) && find(opened, "R1AttentionPlan", library.Plan) &&
                       find(opened, "R1AttentionRun", library.Run);
  return isWhole ? &library : nullptr;
}

const AttentionLibrary* library() {
  static const AttentionLibrary* const opened = openLibrary();
  return opened;
}

void check(const char* message) {
  if (message != nullptr) throw std::runtime_error(message);
}

/// A list's sequences in the library's memory.
class Sequences {
 public:
  Sequences(const AttentionShape& shape, const int64_t* places, const int64_t* origins)
      : shape_(shape),
        places_(places),
        origins_(origins),
        cells_{shape.rows, shape.length, (shape.length + lengthUnit - 1) / lengthUnit * lengthUnit},
        tokenOf_(scratch<int64_t>(Scratch::cells, shape.rows * shape.length)) {
    if (library() == nullptr) throw std::runtime_error("found no library of attention (" R1_ATTENTION ")");
    listCellsOf(shape, origins, tokenOf_);
  }

  uint16_t* queries(Scratch piece) const { return scratch<uint16_t>(piece, cells_.count() * ofQuery()); }
  uint16_t* keys(Scratch piece) const { return scratch<uint16_t>(piece, cells_.count() * ofKey()); }
  float* logSums() const { return scratch<float>(Scratch::sums, cells_.count() * shape_.heads); }

  /// What both passes read.
  AttentionTensors with(const float* q, const float* k, const float* v) const {
    AttentionTensors tensors{};
    tensors.q = withQueries(q, Scratch::queries);
    tensors.k = withKeys(k, Scratch::keyRows);
    tensors.v = withKeys(v, Scratch::valueRows);
    return tensors;
  }
  uint16_t* withQueries(const float* x, Scratch piece) const { return filled(x, tokenOf_, queries(piece), ofQuery()); }
  uint16_t* withKeys(const float* x, Scratch piece) const { return filled(x, places_, keys(piece), ofKey()); }
  float* withLogSums(const float* lse) const {
    float* to = logSums();
    forEach(cells_.count() * shape_.heads, logSumsToCells, lse, tokenOf_, cells_, to, shape_.heads);
    return to;
  }

  void takeQueries(const uint16_t* from, float* x) const {
    forEach(shape_.tokens * ofQuery(), fromCells, from, origins_, cells_, x, shape_.tokens, ofQuery());
  }
  void takeLogSums(const float* from, float* lse) const {
    forEach(shape_.tokens * shape_.heads, logSumsFromCells, from, origins_, cells_, lse, shape_.tokens, shape_.heads);
  }
  void takeKeys(const uint16_t* from, float* x) const {
    forEach(shape_.tokens * ofKey(), sumsFromCells, from, places_, origins_, cells_, x, shape_.tokens, ofKey());
  }

  /// Runs the library over all sequences.
  void run(bool isGradient, const AttentionTensors& all) const {
    const int64_t fitting = std::max(mostScores / (shape_.heads * cells_.length * cells_.length), int64_t(1));
    for (int64_t first = 0, count = 0; first < shape_.rows; first += count) {
      count = int64_t(std::bit_floor(uint64_t(std::min(shape_.rows - first, fitting))));
      const AttentionSizes sizes{count, cells_.length, shape_.heads, shape_.kvHeads, shape_.headDim};
      uint64_t workspaceBytes = 0;
      check(library()->Plan(&sizes, isGradient, &workspaceBytes));
      const AttentionTensors part = from(first * cells_.length, all);
      check(library()->Run(&sizes, isGradient, &part, scratchBytes(Scratch::workspace, workspaceBytes), stream()));
    }
  }

 private:
  int64_t ofQuery() const { return shape_.heads * shape_.headDim; }
  int64_t ofKey() const { return shape_.kvHeads * shape_.headDim; }

  uint16_t* filled(const float* x, const int64_t* tokenAt, uint16_t* to, int64_t n) const {
    forEach(cells_.count() * n, toCells, x, tokenAt, cells_, to, n);
    return to;
  }

  /// The tensors from a cell on. Those that a pass has not are null, and stay so.
  AttentionTensors from(int64_t cell, const AttentionTensors& all) const {
    const auto at = [&](auto* tensor, int64_t n) { return tensor == nullptr ? nullptr : tensor + cell * n; };
    return {at(all.q, ofQuery()),          at(all.k, ofKey()),        at(all.v, ofKey()),
            at(all.out, ofQuery()),        at(all.logSums, shape_.heads), at(all.outCotangent, ofQuery()),
            at(all.qCotangent, ofQuery()), at(all.kCotangent, ofKey()), at(all.vCotangent, ofKey())};
  }

  const AttentionShape shape_;
  const int64_t *places_, *origins_;
  const SequenceCells cells_;
  int64_t* tokenOf_;
};

__global__ void __launch_bounds__(blockThreads, 1) countUp(int64_t* to, int64_t n) {
  if (globalThread() < n) to[globalThread()] = globalThread();
}

/// Two sequences of noise, and what a library and our kernels make of it.
class Trial {
 public:
  Trial() : places_(cells * sizeof(int64_t)), inputs_(4 * queries * sizeof(float)), results_(2 * resultSize * sizeof(float)) {
    forEach(cells, countUp, places(), cells);
    forEach(4 * queries, writeNoise<float>, input(0), 1u, 4 * queries);
  }

  /// Throws std::runtime_error that says why the library is not to be taken.
  void run() const {
    pass(sequenceAttention, sequenceAttentionGradient, result(0));
    const std::vector<float> first = numbers(result(0));
    pass(sequenceAttention, sequenceAttentionGradient, result(0));
    const std::vector<float> second = numbers(result(0));
    if (std::memcmp(first.data(), second.data(), first.size() * sizeof(float)) != 0) throw std::runtime_error("its bits are others each time");
    pass(attention, attentionGradient, result(1));
    const std::vector<float> ours = numbers(result(1));
    for (int piece = 0; piece < pieces; piece++) expectAlike(&first[piece * queries], &ours[piece * queries]);
  }

 private:
  static constexpr int64_t cells = 40, heads = 4, kvHeads = 2, headDim = 64, queries = cells * heads * headDim, keys = cells * kvHeads * headDim;
  /// out, lse, dq, and both gradients of keys and values.
  static constexpr int pieces = 4;
  static constexpr int64_t resultSize = pieces * queries;
  /// Of the largest element.
  static constexpr float tolerance = 2e-2f;

  int64_t* places() const { return static_cast<int64_t*>(places_.data()); }
  float* input(int at) const { return static_cast<float*>(inputs_.data()) + at * queries; }
  float* result(int of) const { return static_cast<float*>(results_.data()) + of * resultSize; }

  template <class Forward, class Backward>
  void pass(Forward forward, Backward backward, float* to) const {
    clear(to, resultSize * sizeof(float));
    const AttentionShape shape{cells, 2, cells / 2, heads, kvHeads, headDim};
    const float *q = input(0), *k = input(1), *v = input(2), *g = input(3);
    float *out = to, *lse = to + queries, *dq = to + 2 * queries, *dk = to + 3 * queries, *dv = dk + keys;
    forward(shape, q, k, v, places(), places(), out, lse);
    backward(shape, q, k, v, places(), places(), out, lse, g, dq, dk, dv);
  }

  std::vector<float> numbers(const float* of) const {
    std::vector<float> there(resultSize);
    toHost(there.data(), of, resultSize * sizeof(float));
    return there;
  }

  static void expectAlike(const float* found, const float* ours) {
    float largest = 0;
    for (int64_t i = 0; i < queries; i++) largest = std::max(largest, std::fabs(ours[i]));
    for (int64_t i = 0; i < queries; i++) {
      const float difference = std::fabs(found[i] - ours[i]);
      if (difference <= tolerance * largest) continue;  // not so where it is no number
      throw std::runtime_error("it differs from our kernels by " + std::to_string(difference) + " where the largest number is " + std::to_string(largest));
    }
  }

  const Memory places_, inputs_, results_;
};

std::string triedLibrary() {
  if (library() == nullptr) return "";
  try {
    Trial().run();
    return library()->Version();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "attention of whole sequences is that of our kernels: %s is not taken: %s\n", library()->Version(), error.what());
    return "";
  }
}

}  // namespace

void sequenceAttention(const AttentionShape& shape, const float* q, const float* k, const float* v, const int64_t* places,
                       const int64_t* origins, float* out, float* lse) {
  const Sequences sequences(shape, places, origins);
  AttentionTensors tensors = sequences.with(q, k, v);
  tensors.out = sequences.queries(Scratch::results);
  tensors.logSums = sequences.logSums();
  sequences.run(false, tensors);
  sequences.takeQueries(tensors.out, out);
  sequences.takeLogSums(tensors.logSums, lse);
}

void sequenceAttentionGradient(const AttentionShape& shape, const float* q, const float* k, const float* v, const int64_t* places,
                               const int64_t* origins, const float* out, const float* lse, const float* g, float* dq, float* dk, float* dv) {
  const Sequences sequences(shape, places, origins);
  AttentionTensors tensors = sequences.with(q, k, v);
  tensors.out = sequences.withQueries(out, Scratch::results);
  tensors.logSums = sequences.withLogSums(lse);
  tensors.outCotangent = sequences.withQueries(g, Scratch::cotangents);
  tensors.qCotangent = sequences.queries(Scratch::rowsSideBySide);
  tensors.kCotangent = sequences.keys(Scratch::keyColumns);
  tensors.vCotangent = sequences.keys(Scratch::valueColumns);
  sequences.run(true, tensors);
  sequences.takeQueries(tensors.qCotangent, dq);
  sequences.takeKeys(tensors.kCotangent, dk);
  sequences.takeKeys(tensors.vCotangent, dv);
}

const char* libraryOfAttention() {
  static const std::string name = triedLibrary();
  return name.c_str();
}

}  // namespace r1::cuda
