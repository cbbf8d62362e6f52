// CUDA's runtime library over the memory of the process. What is asked of its stream is done as late as can be: when somebody waits for it. It
// copies nothing to or from memory of the process that is not locked.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifndef R1_LOCKED
#define R1_LOCKED (64 << 20)
#endif

static size_t used;
static void *const stream = &used;

// From memory, or a value where there is none.
struct work {
  void *to;
  const void *from;
  int value;
  size_t bytes;
};
enum { most = 4096 };
static struct work queue[most];
static size_t asked, done, waits;

static void doUntil(size_t count) {
  for (; done < count; done++) {
    struct work it = queue[done % most];
    if (it.from) memcpy(it.to, it.from, it.bytes);
    else memset(it.to, it.value, it.bytes);
  }
}
static void ask(void *to, const void *from, int value, size_t bytes) {
  if (asked - done == most) doUntil(done + 1);
  queue[asked++ % most] = (struct work){to, from, value, bytes};
}
// How often somebody waited for what was not done yet.
int r1Waits(void) { return (int)waits; }
static int waitUntil(size_t count) {
  waits += done < count;
  doUntil(count);
  return 0;
}

static struct {
  char *start;
  size_t bytes;
} locked[16];
static size_t lockedPieces, lockedBytes;

static int isLocked(const void *memory, size_t bytes) {
  for (size_t i = 0; i < lockedPieces; i++) {
    const char *start = locked[i].start;
    if ((const char *)memory >= start && (const char *)memory + bytes <= start + locked[i].bytes) return 1;
  }
  return 0;
}

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
  doUntil(asked);
  free(memory);
  return 0;
}
int cudaMemcpyAsync(void *to, void *from, size_t bytes, int kind, void *on) {
  if (on != stream || kind < 1 || kind > 3) return 1;
  if (kind == 1 && !isLocked(from, bytes)) return 1;
  if (kind == 2 && !isLocked(to, bytes)) return 1;
  ask(to, from, 0, bytes);
  return 0;
}
int cudaMemsetAsync(void *memory, int value, size_t bytes, void *on) {
  if (on != stream) return 1;
  ask(memory, NULL, value, bytes);
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
  ask(to, from, 0, bytes);
  return 0;
}
int cudaStreamSynchronize(void *on) { return on == stream ? waitUntil(asked) : 1; }
int cudaHostAlloc(void **memory, size_t bytes, uint32_t flags) {
  if (lockedBytes + bytes > R1_LOCKED || lockedPieces == sizeof locked / sizeof *locked) return 2;
  lockedBytes += bytes;
  *memory = malloc(bytes);
  locked[lockedPieces].start = *memory;
  locked[lockedPieces++].bytes = bytes;
  return flags == 0 ? 0 : 1;
}
// An event is how much had been asked for when it was recorded.
int cudaEventCreateWithFlags(size_t **event, uint32_t flags) {
  *event = calloc(1, sizeof **event);
  return flags == 2 ? 0 : 1;
}
int cudaEventRecord(size_t *event, void *on) {
  *event = asked;
  return on == stream ? 0 : 1;
}
int cudaEventSynchronize(const size_t *event) { return waitUntil(*event); }
