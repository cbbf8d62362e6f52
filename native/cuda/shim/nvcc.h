// What nvcc lacks of cuda.h.
#pragma once

#include <cuda_runtime.h>

#include <stdexcept>

#define R1_SHARED(Type, name)                                 \
  extern __shared__ __align__(16) unsigned char r1Shared[];   \
  Type& name = *reinterpret_cast<Type*>(r1Shared)

namespace r1::cuda {

inline void check(cudaError_t error) {
  if (error != cudaSuccess) throw std::runtime_error(cudaGetErrorString(error));
}

/// Of this thread.
inline thread_local cudaStream_t currentStream = nullptr;
inline void useStream(void* stream) { currentStream = static_cast<cudaStream_t>(stream); }

/// A grid without blocks is none. Above 48 KiB a kernel has to ask for shared memory.
template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t sharedBytes, Arguments... arguments) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
  if (sharedBytes > 48 << 10) check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, int(sharedBytes)));
  kernel<<<grid, block, sharedBytes, currentStream>>>(Parameters(arguments)...);
  check(cudaGetLastError());
}

constexpr bool hostReadsMemory = false;

inline void copy(void* to, const void* from, size_t bytes) {
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, currentStream));
}
inline void clear(void* memory, size_t bytes) { check(cudaMemsetAsync(memory, 0, bytes, currentStream)); }

}  // namespace r1::cuda
