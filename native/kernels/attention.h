// Causal grouped-query attention. A tile holds the queries of a few tokens, for all heads that share a key head, so that
// keys and values are read once for the group; its scores are the only thing that grows with the number of keys.
//
// Every sum of a query's row runs in one order — a score over headDim, the exponentials in 16 lanes, the output over the
// keys — so a row has the same bits in any tile and over any cache.
#pragma once

#include <cmath>

#include "exponential.h"
#include "kernels.h"
#include "outer.h"
#include "scratch.h"

namespace r1::R1_TARGET {

/// Where the key or value of position j lies.
struct ListedRows {
  const float* first;
  const int64_t* places;
  int64_t stride;
  __attribute__((always_inline)) const float* at(int64_t j) const { return first + places[j] * stride; }
};

struct ConsecutiveRows {
  const float* first;
  int64_t stride;
  __attribute__((always_inline)) const float* at(int64_t j) const { return first + j * stride; }
};

R1_INLINE int64_t paddedTo16(int64_t count) { return (count + 15) / 16 * 16; }

/// Sixteen rows from position j on as columns: panel [headDim, 16]. Rows after the last of `count` repeat it.
template <class Rows>
R1_INLINE void packColumns(const Rows& rows, int64_t j, int64_t count, int64_t headDim, float* panel) {
  for (int64_t column = 0; column < 16; column += 4) {
    const float* row[4];
    for (int i = 0; i < 4; i++) row[i] = rows.at(j + column + i < count ? j + column + i : count - 1);
    int64_t d = 0;
    for (; d + 4 <= headDim; d += 4) {
      Float4 block[4];
      R1_UNROLL for (int i = 0; i < 4; i++) block[i] = load<Float4>(row[i] + d);
      transpose(block[0], block[1], block[2], block[3]);
      R1_UNROLL for (int i = 0; i < 4; i++) store(panel + (d + i) * 16 + column, block[i]);
    }
    for (; d < headDim; d++) {
      for (int i = 0; i < 4; i++) panel[d * 16 + column + i] = row[i][d];
    }
  }
}

/// All rows as columns: panels [⌈count/16⌉, headDim, 16].
template <class Rows>
R1_INLINE void packAllColumns(const Rows& rows, int64_t count, int64_t headDim, float* panels) {
  for (int64_t j = 0; j < count; j += 16) packColumns(rows, j, count, headDim, panels + j * headDim);
}

/// Rows cut into panels of 16 elements, the last filled up with zeros: [⌈headDim/16⌉, count, 16].
template <class Rows>
R1_INLINE void packRows(const Rows& rows, int64_t count, int64_t headDim, float* panels) {
  for (int64_t j = 0; j < count; j++) {
    const float* row = rows.at(j);
    for (int64_t d = 0; d < headDim; d += 16) {
      float* to = panels + d * count + j * 16;
      const int64_t some = headDim - d < 16 ? headDim - d : 16;
      std::memcpy(to, row + d, some * sizeof(float));
      for (int64_t i = some; i < 16; i++) to[i] = 0;
    }
  }
}

/// Queries of one key head: `rows` of them, in ascending order of the number of keys that each sees.
struct Tile {
  int64_t rows;
  const int64_t* counts;
  const float* q;  ///< times 1/√headDim
  int64_t qStride;
  int64_t headDim;
  int64_t keys() const { return counts[rows - 1]; }
};

/// Scores [rows, stride] of a tile; of each row those of its own keys count. panelAt(j) holds the keys from j on as columns.
template <class PanelAt>
R1_INLINE void tileScores(const Tile& tile, PanelAt panelAt, float* scores, int64_t stride) {
  int64_t first = 0;  // the rows before it see no key of the panel
  for (int64_t j = 0; j < tile.keys(); j += 16) {
    while (tile.counts[first] <= j) first++;
    const Strided q{tile.q + first * tile.qStride, tile.qStride, 1};
    outerPanel<false>(tile.rows - first, q, panelAt(j), 16, scores + first * stride + j, stride, tile.headDim);
  }
}

/// Panels of values: row j of panel d begins at first + d·panel + j·row.
struct ValuePanels {
  const float* first;
  int64_t panel;
  int64_t row;
};

/// softmax(scores)·values of a tile: out [rows, headDim padded to 16] and lse [rows].
R1_INLINE void tileOutputs(const Tile& tile, float* scores, int64_t stride, ValuePanels values, float* out, float* lse) {
  const int64_t padded = paddedTo16(tile.headDim);
  float* inverse = scratch<float>(Scratch::sums, tile.rows);
  for (int64_t r = 0; r < tile.rows; r++) {
    const Exponentials e = exponentials(scores + r * stride, tile.counts[r]);
    inverse[r] = 1 / e.sum;
    lse[r] = float(e.largest + std::log(double(e.sum)));
  }
  for (int64_t d = 0; d < padded; d += 16) {
    outerTriangle(tile.rows, tile.counts, {scores, stride, 1}, values.first + d / 16 * values.panel, values.row, out + d,
                  padded);
  }
  for (int64_t r = 0; r < tile.rows; r++) {
    for (int64_t d = 0; d < padded; d += W) store(out + r * padded + d, load(out + r * padded + d) * inverse[r]);
  }
}

/// The queries that stand in a row of the grid, in the order of their positions.
struct RowQueries {
  int64_t count;
  int64_t* positions;
  int64_t* tokens;
};

/// Calls each(row, queries) for every row of the grid that holds a query.
template <class Each>
R1_INLINE void forEachRow(const AttentionShape& shape, const int64_t* origins, Each each) {
  const int64_t cells = shape.rows * shape.length;
  int64_t* tokenOf = scratch<int64_t>(Scratch::cells, cells + 2 * shape.length);
  for (int64_t cell = 0; cell < cells; cell++) tokenOf[cell] = -1;
  for (int64_t t = 0; t < shape.tokens; t++) tokenOf[origins[t]] = t;
  for (int64_t row = 0; row < shape.rows; row++) {
    RowQueries queries{0, tokenOf + cells, tokenOf + cells + shape.length};
    for (int64_t position = 0; position < shape.length; position++) {
      const int64_t token = tokenOf[row * shape.length + position];
      if (token < 0) continue;
      queries.positions[queries.count] = position;
      queries.tokens[queries.count++] = token;
    }
    if (queries.count > 0) each(row, queries);
  }
}

/// Tokens of a tile: about 48 rows, fewer where their scores would not fit the second cache.
R1_INLINE int64_t tileTokens(int64_t keys, int64_t group) {
  const int64_t byCache = 49152 / keys;
  const int64_t rows = byCache < 48 ? byCache : 48;
  return rows / group > 1 ? rows / group : 1;
}

/// Copies `group` heads of each token, times `scale`, to [tokens·group, stride], filled up with zeros.
R1_INLINE void gatherHeads(const float* x, const int64_t* tokens, int64_t count, const AttentionShape& shape, int64_t kvHead,
                           float scale, float* to, int64_t stride) {
  const int64_t group = shape.heads / shape.kvHeads;
  for (int64_t i = 0; i < count; i++) {
    for (int64_t h = 0; h < group; h++) {
      const float* from = x + (tokens[i] * shape.heads + kvHead * group + h) * shape.headDim;
      float* row = to + (i * group + h) * stride;
      for (int64_t d = 0; d < shape.headDim; d++) row[d] = from[d] * scale;
      for (int64_t d = shape.headDim; d < stride; d++) row[d] = 0;
    }
  }
}

R1_INLINE float scoreScale(int64_t headDim) { return float(1 / std::sqrt(double(headDim))); }

void attention(const AttentionShape& shape, const float* q, const float* k, const float* v, const int64_t* places,
               const int64_t* origins, float* out, float* lse) {
  const int64_t group = shape.heads / shape.kvHeads, headDim = shape.headDim, padded = paddedTo16(headDim);
  forEachRow(shape, origins, [&](int64_t row, const RowQueries& queries) {
    const int64_t keys = queries.positions[queries.count - 1] + 1, stride = paddedTo16(keys);
    const int64_t perTile = tileTokens(keys, group), tileHeads = perTile * group;
    float* keyColumns = scratch<float>(Scratch::keyColumns, stride * headDim);
    float* valueRows = scratch<float>(Scratch::valueRows, keys * padded);
    float* query = scratch<float>(Scratch::queries, tileHeads * headDim);
    float* scores = scratch<float>(Scratch::scores, tileHeads * stride);
    float* output = scratch<float>(Scratch::products, tileHeads * (padded + 2));
    float* outputLse = output + tileHeads * padded;
    int64_t* counts = scratch<int64_t>(Scratch::counts, tileHeads);

    for (int64_t kvHead = 0; kvHead < shape.kvHeads; kvHead++) {
      const int64_t tokenStride = shape.kvHeads * headDim, at = kvHead * headDim;
      packAllColumns(ListedRows{k + at, places + row * shape.length, tokenStride}, keys, headDim, keyColumns);
      packRows(ListedRows{v + at, places + row * shape.length, tokenStride}, keys, headDim, valueRows);
      for (int64_t first = 0; first < queries.count; first += perTile) {
        const int64_t count = queries.count - first < perTile ? queries.count - first : perTile;
        const int64_t* tokens = queries.tokens + first;
        gatherHeads(q, tokens, count, shape, kvHead, scoreScale(headDim), query, headDim);
        for (int64_t r = 0; r < count * group; r++) counts[r] = queries.positions[first + r / group] + 1;
        const Tile tile{count * group, counts, query, headDim, headDim};
        tileScores(tile, [&](int64_t j) { return keyColumns + j * headDim; }, scores, stride);
        tileOutputs(tile, scores, stride, {valueRows, keys * 16, 16}, output, outputLse);
        for (int64_t r = 0; r < tile.rows; r++) {
          const int64_t head = tokens[r / group] * shape.heads + kvHead * group + r % group;
          std::memcpy(out + head * headDim, output + r * padded, headDim * sizeof(float));
          if (lse) lse[head] = outputLse[r];
        }
      }
    }
  });
}

}  // namespace r1::R1_TARGET
