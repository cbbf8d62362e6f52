// CUDA's runtime library over the memory of the process, which copies as it is asked to and says what it was asked.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static size_t used;
static void *const stream = &used;

const char *cudaGetErrorString(int error) {
  return error == 2 ? "out of memory" : error == 101 ? "invalid device ordinal" : "invalid argument";
}
int cudaRuntimeGetVersion(int *version) {
  *version = 13020;
  return 0;
}
int cudaSetDevice(int gpu) { return gpu == 0 ? 0 : 101; }
int cudaMemGetInfo(size_t *available, size_t *total) {
  *total = R1_MEMORY;
  *available = R1_MEMORY - used;
  return 0;
}
int cudaMalloc(void **memory, size_t bytes) {
  if (used + bytes > R1_MEMORY) return 2;
  used += bytes;
  *memory = malloc(bytes);
  return 0;
}
int cudaFree(void *memory) {
  free(memory);
  return 0;
}
int cudaMemcpyAsync(void *to, void *from, size_t bytes, int kind, void *on) {
  if (on != stream || kind < 1 || kind > 3) return 1;
  memcpy(to, from, bytes);
  return 0;
}
int cudaMemsetAsync(void *memory, int value, size_t bytes, void *on) {
  if (on != stream) return 1;
  memset(memory, value, bytes);
  return 0;
}
int cudaStreamCreateWithFlags(void **made, uint32_t flags) {
  *made = stream;
  return flags == 1 ? 0 : 1;
}
// GPU 0 can reach GPU 1 once it has been let, and no other.
static int reaches;
int cudaDeviceCanAccessPeer(int *can, int gpu, int peer) {
  *can = gpu == 0 && peer == 1;
  return 0;
}
int cudaDeviceEnablePeerAccess(int peer, uint32_t flags) {
  if (peer != 1 || flags != 0) return 217;
  return reaches++ ? 704 : 0;
}
int cudaMemcpyPeerAsync(void *to, int gpu, void *from, int peer, size_t bytes, void *on) {
  if (on != stream || gpu != 0 || (peer == 1 && !reaches)) return 1;
  memcpy(to, from, bytes);
  return 0;
}
int cudaStreamSynchronize(void *on) { return on == stream ? 0 : 1; }
