// The threads of a block as threads of the system: slow, but ThreadSanitizer names two that touch the same memory without a barrier.
#pragma once

#include <barrier>
#include <functional>
#include <memory>
#include <thread>

namespace shim {

/// Blocks that run beside each other.
constexpr unsigned blocksAtOnce = 3;

struct Barriers {
  std::barrier<> all;
  std::vector<std::unique_ptr<std::barrier<>>> warps;

  explicit Barriers(unsigned threads) : all(threads) {
    for (unsigned i = 0; i < threads; i += 32) warps.push_back(std::make_unique<std::barrier<>>(std::min(32u, threads - i)));
  }
};

inline thread_local Barriers* barriers = nullptr;

inline void waitForWarp() { barriers->warps[self->number / 32]->arrive_and_wait(); }
inline void waitForBlock() { barriers->all.arrive_and_wait(); }

inline void run(dim3 grid, dim3 shape, size_t sharedBytes, const std::function<void()>& body) {
  const unsigned count = shape.x * shape.y * shape.z, blocks = grid.x * grid.y * grid.z;
  for (unsigned first = 0; first < blocks; first += blocksAtOnce) {
    std::vector<std::unique_ptr<Block>> some;
    std::vector<std::unique_ptr<Barriers>> theirs;
    std::vector<std::thread> threads;
    for (unsigned number = first; number < std::min(first + blocksAtOnce, blocks); number++) {
      Block* block = some.emplace_back(std::make_unique<Block>(count, sharedBytes)).get();
      Barriers* waits = theirs.emplace_back(std::make_unique<Barriers>(count)).get();
      const dim3 at{number % grid.x, number / grid.x % grid.y, number / grid.x / grid.y};
      for (unsigned i = 0; i < count; i++) {
        threads.emplace_back([=, &body] {
          Thread thread{block, i, {i % shape.x, i / shape.x % shape.y, i / shape.x / shape.y}, at, shape, grid};
          self = &thread;
          barriers = waits;
          body();
          waits->warps[i / 32]->arrive_and_drop();
          waits->all.arrive_and_drop();
        });
      }
    }
    for (std::thread& thread : threads) thread.join();
  }
}

}  // namespace shim
