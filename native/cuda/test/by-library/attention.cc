// Attention of lists of tokens where a library computes whole sequences: what it is given, and what is taken of what it gives.
#include <stdexcept>
#include <string>

#include "../../../kernels/test/reference.h"
#include "../../sequence-attention.h"
#include "../guarded.h"
#include "../tests.h"
#include "fake-attention.h"

using namespace test;

namespace {

/// Of the largest element: factors and results are rounded to bfloat16.
constexpr double tolerance = 2e-2;

/// Sequences of these lengths, of which all begin with the same tokens.
struct List {
  r1::AttentionShape shape;
  std::vector<int64_t> places, origins;
  Floats q, k, v, g;

  List(const std::vector<int64_t>& lengths, int64_t shared, int64_t heads, int64_t kvHeads, int64_t headDim) {
    const int64_t longest = *std::max_element(lengths.begin(), lengths.end()), rows = int64_t(lengths.size());
    const int64_t length = (longest + 15) / 16 * 16;
    places.assign(rows * length, 0);
    for (int64_t row = 0; row < rows; row++) {
      for (int64_t position = 0; position < lengths[row]; position++) {
        const bool isKnown = row > 0 && position < shared;
        places[row * length + position] = isKnown ? position : int64_t(origins.size());
        if (!isKnown) origins.push_back(row * length + position);
      }
    }
    shape = {int64_t(origins.size()), rows, length, heads, kvHeads, headDim};
    q = inBfloat16(heads), k = inBfloat16(kvHeads), v = inBfloat16(kvHeads), g = inBfloat16(heads);
  }

 private:
  Floats inBfloat16(int64_t heads) const {
    Floats numbers = normals(shape.tokens * heads * shape.headDim);
    for (float& number : numbers) number = reference::widened(reference::rounded(number));
    return numbers;
  }
};

struct Passes {
  Floats out, lse, dq, dk, dv;
};

Passes byLibrary(const List& l) {
  const auto& s = l.shape;
  const int64_t ofQueries = s.tokens * s.heads * s.headDim, ofKeys = s.tokens * s.kvHeads * s.headDim;
  Guarded<float> out(ofQueries), lse(s.tokens * s.heads), dq(ofQueries), dk(ofKeys), dv(ofKeys);
  const int64_t *places = l.places.data(), *origins = l.origins.data();
  r1::cuda::sequenceAttention(s, l.q.data(), l.k.data(), l.v.data(), places, origins, out.data(), lse.data());
  r1::cuda::sequenceAttentionGradient(s, l.q.data(), l.k.data(), l.v.data(), places, origins, out.data(), lse.data(), l.g.data(), dq.data(),
                                      dk.data(), dv.data());
  return {out.values(), lse.values(), dq.values(), dk.values(), dv.values()};
}

Passes byReference(const List& l) {
  const auto& s = l.shape;
  Passes r{Floats(l.q.size()), Floats(s.tokens * s.heads), Floats(l.q.size()), Floats(l.k.size()), Floats(l.k.size())};
  const int64_t *places = l.places.data(), *origins = l.origins.data();
  reference::attention(s, l.q.data(), l.k.data(), l.v.data(), places, origins, r.out.data(), r.lse.data());
  reference::attentionGradient(s, l.q.data(), l.k.data(), l.v.data(), places, origins, l.g.data(), r.dq.data(), r.dk.data(), r.dv.data());
  return r;
}

void agreesWithTheReference() {
  for (int i = 0; i < cases(10); i++) {
    std::vector<int64_t> lengths(between(1, 5));
    for (int64_t& length : lengths) length = between(1, i < 8 ? 20 : 140);
    const int64_t shared = i % 2 ? between(0, lengths[0]) : 0, kvHeads = between(1, 2);
    const List list(lengths, shared, kvHeads * between(1, 2), kvHeads, i % 3 ? 8 : 16);
    const Passes got = byLibrary(list), want = byReference(list);
    check(close(got.out, want.out, tolerance), "out is off by %g", difference(got.out, want.out));
    check(close(got.lse, want.lse, tolerance), "log-sum-exp is off by %g", difference(got.lse, want.lse));
    check(close(got.dq, want.dq, tolerance), "dq is off by %g", difference(got.dq, want.dq));
    check(close(got.dk, want.dk, tolerance), "dk is off by %g", difference(got.dk, want.dk));
    check(close(got.dv, want.dv, tolerance), "dv is off by %g", difference(got.dv, want.dv));
  }
}

void fewPlansServeAllLists() {
  fakeAttention().ran.clear();
  byLibrary(List({3, 130, 7, 9, 1, 20, 2}, 0, 1, 1, 8));
  std::vector<int64_t> sequences;
  for (const auto& sizes : fakeAttention().ran) {
    sequences.push_back(sizes.sequences);
    check(sizes.length == 256, "144 cells a row are computed in %ld, expected 256", long(sizes.length));
  }
  check(sequences == std::vector<int64_t>{4, 2, 1, 4, 2, 1}, "seven sequences go in other parts than four, two and one");
}

void whatTheLibrarySaysIsThrown() {
  const auto expect = [](const List& list, const char* words) {
    std::string said;
    try {
      byLibrary(list);
    } catch (const std::runtime_error& error) {
      said = error.what();
    }
    check(said == words, "it says \"%s\", expected \"%s\"", said.c_str(), words);
  };
  expect(List({5}, 0, 1, 1, 12), "found a head dimension that is no multiple of 8, or above 128");
  const List list({5}, 0, 1, 1, 8);
  fakeAttention().refuses = "no plan";
  expect(list, "no plan");
  fakeAttention().refuses = nullptr, fakeAttention().fails = "no memory";
  expect(list, "no memory");
  fakeAttention().fails = nullptr;
  byLibrary(list);
}

void theLibraryIsTriedAndNamed() { check(std::string(r1::cuda::libraryOfAttention()) == "fake1", "it is not taken"); }

}  // namespace

void testSequenceAttention(const r1::Table&) {
  agreesWithTheReference();
  fewPlansServeAllLists();
  whatTheLibrarySaysIsThrown();
  theLibraryIsTriedAndNamed();
}
