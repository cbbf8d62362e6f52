#include "scratch.h"

#include <cstdlib>
#include <new>

namespace r1 {

namespace {

struct Piece {
  void* memory = nullptr;
  size_t bytes = 0;
  ~Piece() { std::free(memory); }
};

thread_local Piece pieces[int(Scratch::pieces)];

}  // namespace

void* scratchBytes(Scratch which, size_t bytes) {
  Piece& piece = pieces[int(which)];
  if (bytes > piece.bytes || piece.memory == nullptr) {
    std::free(piece.memory);
    piece.bytes = (bytes + 4095) / 4096 * 4096 + 4096;
    piece.memory = std::aligned_alloc(64, piece.bytes);
    if (piece.memory == nullptr) {
      piece.bytes = 0;
      throw std::bad_alloc();
    }
  }
  return piece.memory;
}

}  // namespace r1
