// Products of matrices, y = a·bᵀ + c, whose operands say how they lie in memory. Every element is a sum in ascending order, whatever
// the other rows, so it has the same bits in any tile.
#pragma once

#include "numbers.h"
#include "threads.h"

namespace r1::cuda {

/// Element (row, l) at row · rowStride + l · stride.
template <class Element, bool isRounded = false>
struct Strided {
  const Element* first;
  int64_t rowStride, stride;
  __device__ bool alongRows() const { return stride == 1; }
  __device__ float at(int64_t row, int64_t l) const {
    const float x = widened(first[row * rowStride + l * stride]);
    return isRounded ? rounded(x) : x;
  }
};

/// Weights of k inputs in panels of `width` rows, `neighbours` inputs at a time: linearPanels in native/kernels/kernels.h.
template <class Element, int width, int neighbours>
struct Panels {
  const Element* first;
  int64_t k;
  __device__ bool alongRows() const { return false; }
  __device__ float at(int64_t row, int64_t l) const {
    return widened(first[row / width * width * k + l / neighbours * width * neighbours + row % width * neighbours + l % neighbours]);
  }
};
using FloatPanels = Panels<float, 16, 1>;
using HalfPanels = Panels<uint16_t, 32, 2>;

/// A block makes a square of so many elements of y, a thread a square of its side's sixteenth; so many terms at a time.
constexpr int tileSide = 64, tileTerms = 16, ofThread = tileSide / 16;

/// Four more of each row: threads of a warp then write to other banks.
typedef float OperandTile[tileTerms][tileSide + 4];

struct ProductMemory {
  OperandTile a, b;
};

/// Terms of `tileSide` rows from `firstRow` on, zeros where there is none.
template <class Operand>
__device__ void loadTile(const Operand& x, int64_t firstRow, int64_t rows, int64_t firstTerm, int64_t terms, OperandTile& tile) {
  for (int i = int(threadIdx.x); i < tileSide * tileTerms; i += blockThreads) {
    const int row = x.alongRows() ? i / tileTerms : i % tileSide, l = x.alongRows() ? i % tileTerms : i / tileSide;
    const bool isThere = firstRow + row < rows && firstTerm + l < terms;
    tile[l][row] = isThere ? x.at(firstRow + row, firstTerm + l) : 0.f;
  }
}

/// y [m, n] = a [m, terms] · b [n, terms]ᵀ + c [m, n], which may be null, or y
template <class A, class B>
__global__ void __launch_bounds__(blockThreads, 1)
    multiplyTiles(A a, B b, const float* c, float* y, int64_t m, int64_t n, int64_t terms) {
  R1_SHARED(ProductMemory, memory);
  const int64_t firstRow = int64_t(blockIdx.y) * tileSide, firstColumn = int64_t(blockIdx.x) * tileSide;
  const int row = int(threadIdx.x) / 16 * ofThread, column = int(threadIdx.x) % 16 * ofThread;
  float sums[ofThread][ofThread];
  const auto forOwn = [&](auto each) {
    for (int i = 0; i < ofThread; i++) {
      for (int j = 0; j < ofThread; j++) {
        const int64_t atRow = firstRow + row + i, atColumn = firstColumn + column + j;
        if (atRow < m && atColumn < n) each(sums[i][j], atRow * n + atColumn);
        else sums[i][j] = 0;
      }
    }
  };
  forOwn([&](float& sum, int64_t at) { sum = c ? c[at] : 0.f; });
  for (int64_t l = 0; l < terms; l += tileTerms) {
    loadTile(a, firstRow, m, l, terms, memory.a);
    loadTile(b, firstColumn, n, l, terms, memory.b);
    __syncthreads();
    for (int term = 0; term < tileTerms; term++) {
      for (int i = 0; i < ofThread; i++) {
        for (int j = 0; j < ofThread; j++) sums[i][j] = fmaf(memory.a[term][row + i], memory.b[term][column + j], sums[i][j]);
      }
    }
    __syncthreads();
  }
  forOwn([&](float& sum, int64_t at) { y[at] = sum; });
}

template <class A, class B>
void multiply(A a, B b, const float* c, float* y, int64_t m, int64_t n, int64_t terms) {
  launch(multiplyTiles<A, B>, dim3(blocksFor(n, tileSide), blocksFor(m, tileSide)), dim3(blockThreads), sizeof(ProductMemory), a, b,
         c, y, m, n, terms);
}

/// w [n, k] in panels of `width` rows, `neighbours` inputs at a time
template <class Element, int width, int neighbours>
__global__ void __launch_bounds__(blockThreads, 1) packPanels(const Element* w, Element* panels, int64_t n, int64_t k) {
  const int64_t i = globalThread();
  if (i >= n * k) return;
  const int64_t neighbour = i % neighbours, row = i / neighbours % width, l = i / (neighbours * width) % (k / neighbours);
  const int64_t panel = i / (width * k);
  panels[i] = w[(panel * width + row) * k + l * neighbours + neighbour];
}

}  // namespace r1::cuda
