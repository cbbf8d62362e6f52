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

/// Elements of a matrix with which algorithms of a library are tried.
constexpr int64_t elementsOfTrial = 1 << 23;

inline void* stream() { return currentStream; }

inline void copy(void* to, const void* from, size_t bytes) {
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, currentStream));
}
inline void clear(void* memory, size_t bytes) { check(cudaMemsetAsync(memory, 0, bytes, currentStream)); }

inline void toHost(void* to, const void* from, size_t bytes) {
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, currentStream));
  check(cudaStreamSynchronize(currentStream));
}

/// Aligned memory of the device for as long as it is looked at: freeing it waits for what uses it.
class Memory {
 public:
  explicit Memory(size_t bytes) { check(cudaMalloc(&data_, bytes)); }
  Memory(const Memory&) = delete;
  ~Memory() { cudaFree(data_); }
  void* data() const { return data_; }

 private:
  void* data_ = nullptr;
};

}  // namespace r1::cuda
