#include "../kernels/rows.h"

#include "../../kernels/test/reference.h"
#include "../kernels/cache.h"
#include "guarded.h"
#include "tests.h"

using namespace test;

namespace {

void rowsAreAddedInTheOrderOfTheirOccurrences() {
  for (int i = 0; i < cases(30); i++) {
    const int64_t vocabulary = between(1, i % 2 ? 8 : 400), n = between(1, 300), d = between(1, i % 5 ? 70 : 600);
    const Floats table = normals(vocabulary * d), updates = normals(n * d);
    std::vector<int64_t> rows(n);
    for (int64_t& row : rows) row = between(0, vocabulary - 1);
    Guarded<float> sums(table);
    Guarded<int64_t> links(2 * n);
    r1::cuda::addRows(sums.data(), rows.data(), updates.data(), links.data(), n, d);
    Floats want = table;
    for (int64_t t = 0; t < n; t++) {
      for (int64_t j = 0; j < d; j++) want[rows[t] * d + j] += updates[t * d + j];
    }
    links.values();
    check(close(sums.values(), want, 0), "addRows of [%ld, %ld] onto %ld rows has other bits", n, d, vocabulary);
  }
}

template <class Element>
void promptsGoToTheirSlots(Element (*stored)(float)) {
  for (int i = 0; i < cases(20); i++) {
    const int64_t blocks = between(1, 6), kvHeads = between(1, 3), headDim = between(1, 40);
    std::vector<int64_t> slots(blocks * r1::cacheBlock), block, offset;
    for (size_t slot = 0; slot < slots.size(); slot++) slots[slot] = int64_t(slot);
    std::shuffle(slots.begin(), slots.end(), test::random());
    slots.resize(between(1, int64_t(slots.size())));
    for (const int64_t slot : slots) block.push_back(slot / r1::cacheBlock), offset.push_back(slot % r1::cacheBlock);
    const int64_t tokens = int64_t(slots.size()), ofToken = kvHeads * headDim, size = blocks * r1::cacheBlock * ofToken;
    const Floats k = normals(tokens * ofToken), v = normals(tokens * ofToken);
    const std::vector<Element> begun(size, stored(7));
    Guarded<Element> keys(begun), values(begun);
    r1::cuda::writePrompts(k.data(), v.data(), block.data(), offset.data(), keys.data(), values.data(), tokens, kvHeads, headDim);
    std::vector<Element> wantKeys = begun, wantValues = begun;
    for (int64_t t = 0; t < tokens; t++) {
      for (int64_t at = 0; at < ofToken; at++) {
        const int64_t d = at % headDim, place = offset[t];
        const int64_t first = (block[t] * kvHeads + at / headDim) * r1::cacheBlock * headDim;
        wantKeys[first + d * r1::cacheBlock + place] = stored(k[t * ofToken + at]);
        wantValues[first + place * headDim + d] = stored(v[t * ofToken + at]);
      }
    }
    check(keys.values() == wantKeys && values.values() == wantValues, "%ld tokens go to other slots", tokens);
  }
}

}  // namespace

void testRows(const r1::Table&) {
  rowsAreAddedInTheOrderOfTheirOccurrences();
  promptsGoToTheirSlots<float>([](float x) { return x; });
  promptsGoToTheirSlots<uint16_t>(reference::rounded);
}
