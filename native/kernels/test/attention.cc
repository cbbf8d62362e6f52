#include "check.h"
#include "reference.h"
#include "tests.h"

using namespace test;

namespace {

constexpr double tolerance = 5e-6;  // of the largest element

/// Sequences of random lengths, of which some begin with one prompt, as the trainer packs them.
struct Batch {
  r1::AttentionShape shape;
  std::vector<int64_t> places, origins;
  Floats q, k, v;

  int64_t heads() const { return shape.tokens * shape.heads * shape.headDim; }
  int64_t kvHeads() const { return shape.tokens * shape.kvHeads * shape.headDim; }
};

Batch randomBatch(int64_t longest) {
  Batch b;
  const int64_t kvHeads = between(1, 3), group = between(1, 8), rows = between(1, 5);
  const int64_t headDim = between(0, 1) ? 8 * between(1, 32) : 2 * between(4, 40);
  std::vector<int64_t> lengths;
  int64_t length = 0;
  for (int64_t row = 0; row < rows; row++) length = std::max(length, lengths.emplace_back(between(1, longest)));
  length += between(0, 3);
  const int64_t prompt = between(0, 1) ? between(0, lengths[0]) : 0;
  b.places.assign(rows * length, 0);
  for (int64_t row = 0; row < rows; row++) {
    for (int64_t position = 0; position < lengths[row]; position++) {
      if (row > 0 && position < prompt) {
        b.places[row * length + position] = position;
        continue;
      }
      b.places[row * length + position] = int64_t(b.origins.size());
      b.origins.push_back(row * length + position);
    }
  }
  b.shape = {int64_t(b.origins.size()), rows, length, kvHeads * group, kvHeads, headDim};
  b.q = normals(b.heads());
  b.k = normals(b.kvHeads());
  b.v = normals(b.kvHeads());
  return b;
}

struct Result {
  Floats out, lse;
};

Result attend(const r1::Table& kernels, const Batch& b) {
  Result r{Floats(b.heads()), Floats(b.shape.tokens * b.shape.heads)};
  kernels.attention(b.shape, b.q.data(), b.k.data(), b.v.data(), b.places.data(), b.origins.data(), r.out.data(), r.lse.data());
  return r;
}

struct Slopes {
  Floats q, k, v;
};

Slopes slopesOf(const r1::Table& kernels, const Batch& b, const Floats& g) {
  const Result r = attend(kernels, b);
  Slopes s{Floats(b.heads(), NAN), Floats(b.kvHeads(), NAN), Floats(b.kvHeads(), NAN)};
  kernels.attentionGradient(b.shape, b.q.data(), b.k.data(), b.v.data(), b.places.data(), b.origins.data(), r.out.data(),
                            r.lse.data(), g.data(), s.q.data(), s.k.data(), s.v.data());
  return s;
}

void agreesWithTheReference(const r1::Table& kernels) {
  for (int i = 0; i < cases(40); i++) {
    const Batch b = randomBatch(i < 36 ? 60 : 300);
    const auto& s = b.shape;
    const Result got = attend(kernels, b);
    Result want{Floats(b.heads()), Floats(s.tokens * s.heads)};
    reference::attention(s, b.q.data(), b.k.data(), b.v.data(), b.places.data(), b.origins.data(), want.out.data(), want.lse.data());
    check(close(got.out, want.out, tolerance), "attention [%ld, %ld/%ld, %ld] is off by %g", s.tokens, s.heads, s.kvHeads,
          s.headDim, difference(got.out, want.out));
    check(close(got.lse, want.lse, tolerance), "log-sum-exp is off by %g", difference(got.lse, want.lse));

    const Floats g = normals(b.heads());
    const Slopes slopes = slopesOf(kernels, b, g);
    Slopes wanted{Floats(b.heads()), Floats(b.kvHeads()), Floats(b.kvHeads())};
    reference::attentionGradient(s, b.q.data(), b.k.data(), b.v.data(), b.places.data(), b.origins.data(), g.data(),
                                 wanted.q.data(), wanted.k.data(), wanted.v.data());
    check(close(slopes.q, wanted.q, tolerance), "dq is off by %g", difference(slopes.q, wanted.q));
    check(close(slopes.k, wanted.k, tolerance), "dk is off by %g", difference(slopes.k, wanted.k));
    check(close(slopes.v, wanted.v, tolerance), "dv is off by %g", difference(slopes.v, wanted.v));
  }
}

/// The change of Σ g∘out along a direction, by central differences and by the gradient.
void gradientIsTheSlope(const r1::Table& kernels) {
  for (int i = 0; i < cases(10); i++) {
    Batch b = randomBatch(20);
    const Floats g = normals(b.heads());
    const Slopes slopes = slopesOf(kernels, b, g);
    const auto along = [&](Floats& x, const Floats& slope, const char* name) {
      const Floats direction = normals(int64_t(x.size())), at = x;
      constexpr float step = 1e-2f;
      double moved[2] = {0, 0}, expected = 0, size = 1;
      for (int side = 0; side < 2; side++) {
        for (size_t j = 0; j < x.size(); j++) x[j] = at[j] + (side ? step : -step) * direction[j];
        const Floats out = attend(kernels, b).out;
        for (size_t j = 0; j < out.size(); j++) moved[side] += double(g[j]) * out[j];
      }
      x = at;
      for (size_t j = 0; j < x.size(); j++) expected += double(slope[j]) * direction[j], size += std::fabs(slope[j] * direction[j]);
      const double found = (moved[1] - moved[0]) / (2 * step);
      check(std::fabs(found - expected) < 2e-3 * size, "slope along %s is %g, its gradient says %g", name, found, expected);
    };
    along(b.q, slopes.q, "q");
    along(b.k, slopes.k, "k");
    along(b.v, slopes.v, "v");
  }
}

/// A table whose rows share the blocks of the tokens that they share, each row with blocks of its own behind them.
std::vector<int64_t> sharingTable(const Batch& b, int64_t columns) {
  std::vector<int64_t> table(b.shape.rows * columns, 0);
  int64_t next = 1;  // block 0 is nobody's
  for (int64_t row = 0; row < b.shape.rows; row++) {
    for (int64_t block = 0; block < columns; block++) {
      const int64_t first = block * r1::cacheBlock, last = std::min(first + r1::cacheBlock, b.shape.length) - 1;
      const auto token = [&](int64_t of, int64_t position) { return b.places[of * b.shape.length + position]; };
      int64_t of = row;
      for (int64_t before = 0; before < row && last - first == r1::cacheBlock - 1; before++) {
        // A cell of padding has token 0, which nobody has at another position.
        if (token(before, first) == token(row, first) && token(before, last) == token(row, last) && (last == 0 || token(row, last) > 0)) {
          of = before;
          break;
        }
      }
      table[row * columns + block] = of < row ? table[of * columns + block] : next++;
    }
  }
  return table;
}

Floats widened(const Floats& numbers) { return numbers; }
Floats widened(const std::vector<uint16_t>& halves) {
  Floats numbers;
  for (uint16_t half : halves) numbers.push_back(reference::widened(half));
  return numbers;
}

Floats roundedAll(const Floats& numbers) {
  std::vector<uint16_t> halves;
  for (float number : numbers) halves.push_back(reference::rounded(number));
  return widened(halves);
}

/// All sequences side by side, token by token over a cache whose free places hold no numbers. Whoever has no token at a position
/// takes its last one again. A cache in bfloat16 has rounded keys and values, and then so have whole sequences.
template <class Element, class CachedAttention>
void cacheGivesTheSameBits(const r1::Table& kernels, CachedAttention cachedAttention) {
  constexpr bool isFloat = sizeof(Element) == sizeof(float);
  for (int i = 0; i < cases(40); i++) {
    const Batch b = randomBatch(i < 34 ? 60 : 200);
    const auto& s = b.shape;
    Batch inCache = b;
    if (!isFloat) inCache.k = roundedAll(b.k), inCache.v = roundedAll(b.v);
    const Result whole = attend(kernels, inCache);
    const int64_t columns = s.length / r1::cacheBlock + between(1, 3);
    const r1::CacheShape cache{s.rows, s.heads, s.kvHeads, s.headDim, columns};
    const std::vector<int64_t> table = sharingTable(b, columns);
    const int64_t blocks = *std::max_element(table.begin(), table.end()) + 1;
    const Element nothing = isFloat ? Element(NAN) : Element(0x7fc0);
    std::vector<Element> keys(blocks * s.kvHeads * r1::cacheBlock * s.headDim, nothing), values = keys;
    std::vector<int64_t> lengths(s.rows, 1);
    for (int64_t t = 0; t < s.tokens; t++) {
      for (int64_t cell = 0; cell < s.rows * s.length; cell++) {
        const int64_t position = cell % s.length;
        if (b.places[cell] == t && (t > 0 || position == 0)) lengths[cell / s.length] = std::max(lengths[cell / s.length], position + 1);
      }
    }
    for (int64_t position = 0; position < s.length; position++) {
      std::vector<int64_t> positions, tokens;
      Floats q, k, v, cachedK, cachedV, out(s.rows * s.heads * s.headDim), want = out;
      for (int64_t row = 0; row < s.rows; row++) {
        positions.push_back(std::min(position, lengths[row] - 1));
        tokens.push_back(b.places[row * s.length + positions[row]]);
        const auto take = [&](Floats& to, const Floats& from, int64_t heads) {
          to.insert(to.end(), from.begin() + tokens[row] * heads * s.headDim, from.begin() + (tokens[row] + 1) * heads * s.headDim);
        };
        take(q, b.q, s.heads), take(k, b.k, s.kvHeads), take(v, b.v, s.kvHeads);
        take(cachedK, inCache.k, s.kvHeads), take(cachedV, inCache.v, s.kvHeads);
      }
      Floats copiedKeys = widened(keys), copiedValues = widened(values);
      cachedAttention(cache, q.data(), k.data(), v.data(), positions.data(), table.data(), keys.data(), values.data(), out.data());
      if (position % 16 == 3) {
        reference::cachedAttention(cache, q.data(), cachedK.data(), cachedV.data(), positions.data(), table.data(), copiedKeys.data(),
                                   copiedValues.data(), want.data());
        check(close(out, want, tolerance), "cachedAttention is off by %g", difference(out, want));
        check(sameBits(widened(keys), copiedKeys) && sameBits(widened(values), copiedValues), "cachedAttention writes the cache elsewhere");
      }
      for (int64_t row = 0; row < s.rows; row++) {
        const int64_t size = s.heads * s.headDim;
        check(sameBits(out.data() + row * size, whole.out.data() + tokens[row] * size, size),
              "cache: bits of row %ld at position %ld differ", row, positions[row]);
      }
    }
  }
}

/// One sequence in a grid with others, and alone.
void tokenDependsOnItsSequenceAlone(const r1::Table& kernels) {
  for (int i = 0; i < cases(20); i++) {
    const Batch b = randomBatch(80);
    const auto& s = b.shape;
    const Result whole = attend(kernels, b);
    const int64_t row = between(0, s.rows - 1);
    Batch one{{0, 1, s.length + 7, s.heads, s.kvHeads, s.headDim}, {}, {}, {}, {}, {}};
    one.places.assign(s.length + 7, 0);
    std::vector<int64_t> tokens;
    for (int64_t t = 0; t < s.tokens; t++) {
      if (b.origins[t] / s.length == row) one.shape.tokens = std::max(one.shape.tokens, b.origins[t] % s.length + 1);
    }
    for (int64_t position = 0; position < one.shape.tokens; position++) {
      tokens.push_back(b.places[row * s.length + position]);
      one.places[position] = position;
      one.origins.push_back(position);
    }
    for (const int64_t token : tokens) {
      const auto take = [&](Floats& to, const Floats& from, int64_t heads) {
        to.insert(to.end(), from.begin() + token * heads * s.headDim, from.begin() + (token + 1) * heads * s.headDim);
      };
      take(one.q, b.q, s.heads), take(one.k, b.k, s.kvHeads), take(one.v, b.v, s.kvHeads);
    }
    if (tokens.empty()) continue;
    const Result alone = attend(kernels, one);
    for (size_t position = 0; position < tokens.size(); position++) {
      const int64_t size = s.heads * s.headDim;
      check(sameBits(alone.out.data() + int64_t(position) * size, whole.out.data() + tokens[position] * size, size),
            "attention: bits of a sequence alone differ at position %zu", position);
    }
  }
}

/// Scores far below the largest count as nothing, and large ones do not overflow.
void extremeScoresStayFinite(const r1::Table& kernels) {
  Batch b = randomBatch(30);
  for (float& x : b.q) x *= 100;
  for (float& x : b.k) x *= 100;
  for (float x : attend(kernels, b).out) check(std::isfinite(x), "attention of large scores is %g", x);
}

}  // namespace

void testAttention(const r1::Table& kernels) {
  agreesWithTheReference(kernels);
  gradientIsTheSlope(kernels);
  cacheGivesTheSameBits<float>(kernels, kernels.cachedAttention);
  cacheGivesTheSameBits<uint16_t>(kernels, kernels.cachedAttentionBf16);
  tokenDependsOnItsSequenceAlone(kernels);
  extremeScoresStayFinite(kernels);
}
