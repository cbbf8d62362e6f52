// Who computes what, and sums over a warp or a block: in one order, so with the same bits each time.
#pragma once

#include "../shim/cuda.h"

namespace r1::cuda {

/// Launch bounds say that one such block a multiprocessor is enough: for more at once the compiler would keep registers in memory.
constexpr int blockThreads = 256;
constexpr int warpLanes = 32;
constexpr int blockWarps = blockThreads / warpLanes;

/// Blocks of `each` things for n of them.
inline unsigned blocksFor(int64_t n, int64_t each = blockThreads) { return unsigned((n + each - 1) / each); }

/// The number of a thread in the whole grid, and of its warp.
__device__ inline int64_t globalThread() { return int64_t(blockIdx.x) * blockThreads + threadIdx.x; }
__device__ inline int64_t globalWarp() { return int64_t(blockIdx.x) * blockWarps + threadIdx.x / warpLanes; }
__device__ inline int lane() { return int(threadIdx.x % warpLanes); }

/// A thread for each of n.
template <class... Parameters, class... Arguments>
void forEach(int64_t n, void (*kernel)(Parameters...), Arguments... arguments) {
  launch(kernel, dim3(blocksFor(n)), dim3(blockThreads), 0, arguments...);
}

/// A warp for each of n.
template <class... Parameters, class... Arguments>
void forEachWarp(int64_t n, void (*kernel)(Parameters...), Arguments... arguments) {
  forEach(n * warpLanes, kernel, arguments...);
}

struct Sum {
  template <class T>
  __device__ static T of(T a, T b) {
    return a + b;
  }
};
struct Largest {
  template <class T>
  __device__ static T of(T a, T b) {
    return a > b ? a : b;
  }
};

/// What all lanes of a warp have, which all of them get.
template <class Combine, class T>
__device__ T overWarp(T x) {
  for (int distance = warpLanes / 2; distance > 0; distance /= 2) x = Combine::of(x, __shfl_xor_sync(~0u, x, distance));
  return x;
}

/// Shared memory for one value a warp.
template <class T>
struct OfWarps {
  T value[blockWarps];
};

/// The same over a block of blockThreads.
template <class Combine, class T>
__device__ T overBlock(T x, OfWarps<T>& of) {
  x = overWarp<Combine>(x);
  if (lane() == 0) of.value[threadIdx.x / warpLanes] = x;
  __syncthreads();
  x = of.value[0];
  for (int warp = 1; warp < blockWarps; warp++) x = Combine::of(x, of.value[warp]);
  __syncthreads();  // before the next values
  return x;
}

}  // namespace r1::cuda
