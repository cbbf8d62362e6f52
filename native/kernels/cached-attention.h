// Attention of one new token a sequence over a cache in blocks of 16 positions. Sequences that begin with the same blocks read
// them once, all their queries in one tile.
//
// Sums run in the order of `attention`, so that a row has its bits, whoever shares its blocks. The cache may be in bfloat16: what is in it is
// rounded once, when it is written, and widened as it is loaded.
#pragma once

#include "attention.h"

namespace r1::R1_TARGET {

static_assert(cacheBlock == panelWidth, "a block of keys is a panel of columns");

/// Where the keys or values of one key head lie, by block.
template <class Element>
struct CachedHead {
  const Element* first;
  int64_t stride;  ///< numbers from a block to the next
  __attribute__((always_inline)) const Element* at(int64_t block) const { return first + block * stride; }
};

/// Rows in a row of the table whose first `shared` blocks are the same, all of them full.
struct Family {
  int64_t rows;
  int64_t shared;
};

/// The family that begins with row `first`, of at most `most` rows.
R1_INLINE Family familyOf(const CacheShape& shape, const int64_t* positions, const int64_t* table, int64_t first, int64_t most) {
  const int64_t* blocks = table + first * shape.columns;
  Family family{1, positions[first] / cacheBlock};
  while (family.rows < most && first + family.rows < shape.rows) {
    const int64_t row = first + family.rows, full = positions[row] / cacheBlock;
    int64_t same = 0;
    while (same < family.shared && same < full && blocks[same] == table[row * shape.columns + same]) same++;
    if (same == 0) break;
    family = {family.rows + 1, same};
  }
  return family;
}

/// Queries of one key head.
struct Queries {
  int64_t count;
  const float* q;  ///< [count, headDim], times 1/√headDim
  int64_t headDim;
};

/// Blocks that are read one after the other, and what is read after them.
template <class Element>
struct Blocks {
  CachedHead<Element> from;
  const int64_t* numbers;
  int64_t count;
  const Blocks* then;
  __attribute__((always_inline)) const Element* at(int64_t i) const { return from.at(numbers[i]); }
  /// What is read `distance` blocks after block i, to be fetched meanwhile: blocks lie anywhere, so that no processor guesses the next.
  __attribute__((always_inline)) const Element* later(int64_t i) const {
    constexpr int64_t distance = 2;
    const int64_t behind = i + distance - count;
    if (behind < 0) return at(i + distance);
    return then && behind < then->count ? then->at(behind) : at(i);
  }
};

/// Panels in a line of the processor's cache.
template <class Element>
constexpr int panelsInLine = 64 / (panelWidth * sizeof(Element));

/// Scores of MR queries with P blocks of keys from number `b` on.
template <int MR, int P, class Element>
R1_INLINE void blockScores(const Queries& queries, const Blocks<Element>& keys, int64_t b, float* scores, int64_t stride) {
  constexpr int vectors = panelWidth / W;
  const Element *panel[P], *later[P];
  R1_UNROLL for (int p = 0; p < P; p++) {
    panel[p] = keys.at(b + p);
    later[p] = keys.later(b + p);
  }
  Float acc[MR][P * vectors] = {};
  for (int64_t d = 0; d < queries.headDim; d++) {
    if (d % panelsInLine<Element> == 0) {
      R1_UNROLL for (int p = 0; p < P; p++) __builtin_prefetch(later[p] + d * panelWidth, 0, 2);
    }
    R1_UNROLL for (int i = 0; i < MR; i++) {
      const Float factor = splat(queries.q[i * queries.headDim + d]);
      R1_UNROLL for (int c = 0; c < P * vectors; c++) {
        acc[i][c] = fma(factor, load(panel[c / vectors] + d * panelWidth + c % vectors * W), acc[i][c]);
      }
    }
  }
  R1_UNROLL for (int i = 0; i < MR; i++) {
    R1_UNROLL for (int c = 0; c < P * vectors; c++) store(scores + b * cacheBlock + i * stride + c * W, acc[i][c]);
  }
}

/// Adds to 16·P columns of MR rows of the output what `count` keys of a block give, and fetches the same of a later block.
template <int MR, int P, class Element>
R1_INLINE void addValues(const float* p, int64_t stride, const Element* block, const Element* later, int64_t count,
                         int64_t headDim, float* out, int64_t outStride) {
  constexpr int vectors = P * panelWidth / W;
  Float acc[MR][vectors];
  R1_UNROLL for (int i = 0; i < MR; i++) {
    R1_UNROLL for (int c = 0; c < vectors; c++) acc[i][c] = load(out + i * outStride + c * W);
  }
  for (int64_t j = 0; j < count; j++) {
    R1_UNROLL for (int c = 0; c < P; c += panelsInLine<Element>) __builtin_prefetch(later + j * headDim + c * panelWidth, 0, 2);
    R1_UNROLL for (int i = 0; i < MR; i++) {
      const Float factor = splat(p[i * stride + j]);
      R1_UNROLL for (int c = 0; c < vectors; c++) acc[i][c] = fma(factor, load(block + j * headDim + c * W), acc[i][c]);
    }
  }
  R1_UNROLL for (int i = 0; i < MR; i++) {
    R1_UNROLL for (int c = 0; c < vectors; c++) store(out + i * outStride + c * W, acc[i][c]);
  }
}

/// A few queries: several blocks and panels side by side keep the units for products busy.
template <int MR, class Element>
struct FewQueries {
  static constexpr int P = MR == 1 ? 4 : 2;

  static void scores(const Queries& queries, const Blocks<Element>& keys, float* to, int64_t stride) {
    int64_t b = 0;
    for (; b + P <= keys.count; b += P) blockScores<MR, P>(queries, keys, b, to, stride);
    for (; b < keys.count; b++) blockScores<MR, 1>(queries, keys, b, to, stride);
  }

  /// Whole panels of the output; returns the columns that they have.
  static int64_t values(const float* p, int64_t stride, const Blocks<Element>& values, int64_t count, int64_t headDim,
                        float* out, int64_t outStride) {
    const int64_t whole = headDim / panelWidth * panelWidth;
    for (int64_t j = 0; j < count; j += cacheBlock) {
      const int64_t some = count - j < cacheBlock ? count - j : cacheBlock;
      const Element* block = values.at(j / cacheBlock);
      const Element* later = values.later(j / cacheBlock);
      int64_t d = 0;
      for (; d + P * panelWidth <= whole; d += P * panelWidth) {
        addValues<MR, P>(p + j, stride, block + d, later + d, some, headDim, out + d, outStride);
      }
      for (; d < whole; d += panelWidth) addValues<MR, 1>(p + j, stride, block + d, later + d, some, headDim, out + d, outStride);
    }
    return whole;
  }
};

/// The whole of a block, 16 · headDim numbers.
template <class Element>
R1_INLINE void fetch(const Element* block, int64_t headDim) {
  for (int64_t i = 0; i < headDim; i += panelsInLine<Element>) __builtin_prefetch(block + i * cacheBlock, 0, 2);
}

/// The scores of queries with blocks of keys, [count, stride].
template <class Element>
R1_INLINE void cachedScores(const Queries& queries, const Blocks<Element>& keys, float* scores, int64_t stride) {
  if (queries.count == 1) return FewQueries<1, Element>::scores(queries, keys, scores, stride);
  if (queries.count == 2) return FewQueries<2, Element>::scores(queries, keys, scores, stride);
  if (queries.count == 3) return FewQueries<3, Element>::scores(queries, keys, scores, stride);
  const Strided q{queries.q, queries.headDim, 1};
  for (int64_t b = 0; b < keys.count; b++) {
    fetch(keys.later(b), queries.headDim);
    outerPanel<false>(queries.count, q, keys.at(b), panelWidth, scores + b * cacheBlock, stride, queries.headDim);
  }
}

/// The last columns of a block of values, fewer than a panel has, filled up with zeros.
template <class Element>
R1_INLINE void fillPanel(const Element* values, int64_t stride, int64_t keys, int64_t columns, float* panel) {
  for (int64_t j = 0; j < keys; j++) {
    for (int64_t i = 0; i < panelWidth; i++) panel[j * panelWidth + i] = i < columns ? widened(values[j * stride + i]) : 0;
  }
}

/// out [rows, headDim padded to 16] += p·values over `count` keys.
template <class Element>
R1_INLINE void addCachedValues(int64_t rows, const float* p, int64_t stride, const Blocks<Element>& values, int64_t count,
                               int64_t headDim, float* out) {
  const int64_t padded = paddedTo16(headDim);
  int64_t first = 0;
  if (rows == 1) first = FewQueries<1, Element>::values(p, stride, values, count, headDim, out, padded);
  if (rows == 2) first = FewQueries<2, Element>::values(p, stride, values, count, headDim, out, padded);
  if (rows == 3) first = FewQueries<3, Element>::values(p, stride, values, count, headDim, out, padded);
  if (first == headDim) return;
  float* filled = scratch<float>(Scratch::valueRows, cacheBlock * panelWidth);
  for (int64_t j = 0; j < count; j += cacheBlock) {
    const int64_t keys = count - j < cacheBlock ? count - j : cacheBlock;
    const Element* block = values.at(j / cacheBlock);
    if (first == 0) fetch(values.later(j / cacheBlock), headDim);
    const Strided factors{p + j, stride, 1};
    int64_t d = first;
    for (; d + panelWidth <= headDim; d += panelWidth) outerPanel<true>(rows, factors, block + d, headDim, out + d, padded, keys);
    if (d == headDim) continue;
    fillPanel(block + d, headDim, keys, headDim - d, filled);
    outerPanel<true>(rows, factors, filled, panelWidth, out + d, padded, keys);
  }
}

/// Attention of a family's rows, whose new keys and values are in the cache.
template <class Element>
R1_INLINE void attendFamily(const CacheShape& shape, Family family, const float* q, const int64_t* positions, const int64_t* table,
                            const Element* keys, const Element* values, float* out) {
  const int64_t group = shape.heads / shape.kvHeads, headDim = shape.headDim, padded = paddedTo16(headDim);
  const int64_t tile = family.rows * group, shared = family.shared * cacheBlock;
  int64_t longest = 0;
  for (int64_t row = 0; row < family.rows; row++) longest = positions[row] >= longest ? positions[row] + 1 : longest;
  const int64_t stride = paddedTo16(longest);
  float* query = scratch<float>(Scratch::queries, tile * headDim);
  float* scores = scratch<float>(Scratch::scores, tile * stride);
  float* output = scratch<float>(Scratch::products, tile * padded);
  float* inverse = scratch<float>(Scratch::sums, tile);
  const int64_t size = cacheBlock * headDim, block = shape.kvHeads * size;
  for (int64_t kvHead = 0; kvHead < shape.kvHeads; kvHead++) {
    const CachedHead<Element> headKeys{keys + kvHead * size, block}, headValues{values + kvHead * size, block};
    const auto own = [&](CachedHead<Element> head, int64_t row, const Blocks<Element>* then) {
      const int64_t all = positions[row] / cacheBlock + 1;
      return Blocks<Element>{head, table + row * shape.columns + family.shared, all - family.shared, then};
    };
    const float scale = scoreScale(headDim);
    for (int64_t row = 0; row < family.rows; row++) {
      const float* from = q + (row * shape.heads + kvHead * group) * headDim;
      for (int64_t i = 0; i < group * headDim; i++) query[row * group * headDim + i] = from[i] * scale;
    }
    const Blocks<Element> firstKeys = own(headKeys, 0, nullptr);
    cachedScores<Element>({tile, query, headDim}, {headKeys, table, family.shared, &firstKeys}, scores, stride);
    for (int64_t i = 0; i < tile * padded; i++) output[i] = 0;
    const Blocks<Element> firstValues = own(headValues, 0, nullptr), sharedValues{headValues, table, family.shared, &firstValues};
    for (int64_t row = 0; row < family.rows; row++) {
      const int64_t count = positions[row] + 1, first = row * group;
      const Blocks<Element> next = row + 1 < family.rows ? own(headKeys, row + 1, nullptr) : family.shared > 0 ? sharedValues : firstValues;
      cachedScores({group, query + first * headDim, headDim}, own(headKeys, row, &next), scores + first * stride + shared, stride);
      for (int64_t h = first; h < first + group; h++) inverse[h] = 1 / exponentials(scores + h * stride, count).sum;
    }
    addCachedValues(tile, scores, stride, sharedValues, shared, headDim, output);
    for (int64_t row = 0; row < family.rows; row++) {
      const int64_t first = row * group;
      const bool last = row + 1 == family.rows;
      const Blocks<Element> next = last ? own({headKeys.first + size, block}, 0, nullptr) : own(headValues, row + 1, nullptr);
      addCachedValues(group, scores + first * stride + shared, stride, own(headValues, row, &next), positions[row] + 1 - shared,
                      headDim, output + first * padded);
      for (int64_t h = 0; h < group; h++) {
        const float* from = output + (first + h) * padded;
        float* to = out + (row * shape.heads + kvHead * group + h) * headDim;
        for (int64_t d = 0; d < headDim; d++) to[d] = from[d] * inverse[first + h];
      }
    }
  }
}

/// Writes the key of a new token, a column of its block, and its value, a row.
template <class Element>
R1_INLINE void writeToken(const CacheShape& shape, const float* k, const float* v, int64_t position, int64_t block, Element* keys,
                          Element* values) {
  const int64_t headDim = shape.headDim, size = cacheBlock * headDim, at = position % cacheBlock;
  for (int64_t kvHead = 0; kvHead < shape.kvHeads; kvHead++) {
    const int64_t first = (block * shape.kvHeads + kvHead) * size;
    for (int64_t d = 0; d < headDim; d++) storeAs(keys + first + d * cacheBlock + at, k[kvHead * headDim + d]);
    for (int64_t d = 0; d < headDim; d++) storeAs(values + first + at * headDim + d, v[kvHead * headDim + d]);
  }
}

template <class Element>
R1_INLINE void attendCached(const CacheShape& shape, const float* q, const float* k, const float* v, const int64_t* positions,
                            const int64_t* table, Element* keys, Element* values, float* out) {
  const int64_t token = shape.kvHeads * shape.headDim, result = shape.heads * shape.headDim;
  for (int64_t row = 0; row < shape.rows; row++) {
    const int64_t block = table[row * shape.columns + positions[row] / cacheBlock];
    writeToken(shape, k + row * token, v + row * token, positions[row], block, keys, values);
  }
  // The scores of a family stay in the second cache.
  const int64_t most = 98304 / (shape.heads / shape.kvHeads * shape.columns * cacheBlock);
  for (int64_t row = 0; row < shape.rows;) {
    const Family family = familyOf(shape, positions, table, row, most);
    attendFamily(shape, family, q + row * result, positions + row, table + row * shape.columns, keys, values, out + row * result);
    row += family.rows;
  }
}

void cachedAttention(const CacheShape& shape, const float* q, const float* k, const float* v, const int64_t* positions,
                     const int64_t* table, float* keys, float* values, float* out) {
  attendCached(shape, q, k, v, positions, table, keys, values, out);
}

void cachedAttentionBf16(const CacheShape& shape, const float* q, const float* k, const float* v, const int64_t* positions,
                         const int64_t* table, uint16_t* keys, uint16_t* values, float* out) {
  attendCached(shape, q, k, v, positions, table, keys, values, out);
}

}  // namespace r1::R1_TARGET
