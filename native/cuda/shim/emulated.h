// CUDA's names on the CPU. Blocks run one after the other, their threads as fibers or, with R1_SHIM_OS_THREADS, as threads of the
// system, which ThreadSanitizer watches. Shared memory begins as what is no number, so that reading what nobody wrote shows.
#pragma once

#include <algorithm>
#include <vector>

#define __global__
#define __device__
#define __host__
#define __launch_bounds__(...)
#define __forceinline__ inline __attribute__((always_inline))

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

namespace shim {

struct Block;

/// A thread of a block.
struct Thread {
  Block* block = nullptr;
  unsigned number = 0;
  dim3 threadIdx, blockIdx, blockDim, gridDim;
  unsigned exchanges = 0;
};

/// What the threads of a block share.
struct Block {
  unsigned threads;
  std::vector<unsigned char> memory;
  std::vector<uint64_t> lanes[2];  ///< what a warp exchanges, and what it may still be reading of the exchange before

  Block(unsigned threads, size_t sharedBytes) : threads(threads), memory(sharedBytes + 16, 0xff) {
    for (auto& values : lanes) values.resize(threads);
  }
  unsigned char* shared() { return memory.data() + (16 - reinterpret_cast<uintptr_t>(memory.data()) % 16) % 16; }
};

/// The one that runs.
inline thread_local Thread* self __attribute__((tls_model("initial-exec"))) = nullptr;

}  // namespace shim

#ifdef R1_SHIM_OS_THREADS
#include "os-threads.h"
#else
#include "fibers.h"
#endif

namespace shim {

/// The value that another lane of the warp brings, whose threads all come here. Where it has no such lane, the own.
template <class T>
T exchange(T value, unsigned lane) {
  static_assert(sizeof(T) <= sizeof(uint64_t));
  Block& block = *self->block;
  auto& lanes = block.lanes[self->exchanges++ % 2];
  std::memcpy(&lanes[self->number], &value, sizeof value);
  waitForWarp();
  const unsigned from = self->number / 32 * 32 + lane;
  std::memcpy(&value, &lanes[from < block.threads ? from : self->number], sizeof value);
  return value;
}

}  // namespace shim

#define threadIdx (shim::self->threadIdx)
#define blockIdx (shim::self->blockIdx)
#define blockDim (shim::self->blockDim)
#define gridDim (shim::self->gridDim)

#define R1_SHARED(Type, name) Type& name = *reinterpret_cast<Type*>(shim::self->block->shared())

inline void __syncthreads() { shim::waitForBlock(); }
inline void __syncwarp() { shim::waitForWarp(); }
template <class T>
T __shfl_xor_sync(unsigned, T value, unsigned mask) {
  return shim::exchange(value, (shim::self->number % 32) ^ mask);
}
template <class T>
T __shfl_sync(unsigned, T value, unsigned lane) {
  return shim::exchange(value, lane);
}
inline float __int_as_float(int bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
inline int __float_as_int(float value) {
  int bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

namespace r1::cuda {

template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t sharedBytes, Arguments... arguments) {
  shim::run(grid, block, sharedBytes, [=] { kernel(Parameters(arguments)...); });
}

constexpr bool hostReadsMemory = true;

/// Elements of a matrix with which algorithms of a library are tried.
constexpr int64_t elementsOfTrial = 1 << 13;

inline void useStream(void*) {}
inline void* stream() { return nullptr; }

inline void copy(void* to, const void* from, size_t bytes) { std::memcpy(to, from, bytes); }
inline void clear(void* memory, size_t bytes) { std::memset(memory, 0, bytes); }

inline void toHost(void* to, const void* from, size_t bytes) { std::memcpy(to, from, bytes); }

/// Aligned memory of a device for as long as it is looked at, which begins as what is no number.
class Memory {
 public:
  explicit Memory(size_t bytes) : bytes_(bytes + 16, 0xff) {}
  void* data() const { return const_cast<unsigned char*>(bytes_.data()) + (16 - reinterpret_cast<uintptr_t>(bytes_.data()) % 16) % 16; }

 private:
  std::vector<unsigned char> bytes_;
};

}  // namespace r1::cuda
