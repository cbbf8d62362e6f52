// A thread an element: factors of products as a library wants them, and numbers to try it with.
#pragma once

#include "numbers.h"
#include "threads.h"

namespace r1::cuda {

/// to [rows, width] = the elements of an operand (linear.h), rounded where `to` is bfloat16
template <class Operand, class Element>
__global__ void __launch_bounds__(blockThreads, 1) writeRows(Operand from, Element* to, int64_t rows, int64_t width) {
  const int64_t i = globalThread();
  if (i < rows * width) storeAs(&to[i], from.at(i / width, i % width));
}

/// Numbers in [−1, 1) that their places decide: the last steps of MurmurHash3.
template <class Element>
__global__ void __launch_bounds__(blockThreads, 1) writeNoise(Element* to, unsigned seed, int64_t n) {
  const int64_t i = globalThread();
  if (i >= n) return;
  unsigned bits = unsigned(i) + seed;
  bits = (bits ^ bits >> 16) * 0x85ebca6bu;
  bits = (bits ^ bits >> 13) * 0xc2b2ae35u;
  storeAs(&to[i], float(int(bits ^ bits >> 16)) * 0x1p-31f);
}

}  // namespace r1::cuda
