// The kernels' working memory on a GPU. Growing waits for all that uses the old piece, so it happens before the first step has ended or never.
#include "../kernels/scratch.h"

#include "shim/cuda.h"

namespace r1 {

namespace {

struct Piece {
  void* memory = nullptr;
  size_t bytes = 0;
  ~Piece() { cudaFree(memory); }
};

thread_local Piece pieces[int(Scratch::pieces)];

}  // namespace

void* scratchBytes(Scratch which, size_t bytes) {
  Piece& piece = pieces[int(which)];
  if (bytes > piece.bytes || piece.memory == nullptr) {
    cuda::check(cudaFree(piece.memory));
    piece.memory = nullptr;
    piece.bytes = (bytes + 4095) / 4096 * 4096 + 4096;
    cuda::check(cudaMalloc(&piece.memory, piece.bytes));
  }
  return piece.memory;
}

}  // namespace r1
