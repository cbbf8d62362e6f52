// The threads of a block as fibers of one thread of the system, in an order that a test chooses: each runs until it waits.
#pragma once

#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <numeric>
#include <random>
#include <ucontext.h>

namespace shim {

/// In which order blocks, and the threads of a block, run: 0 as they are numbered, 1 backwards, others at random, anew each time.
inline int order = 0;

/// The numbers below `count` in that order.
inline std::vector<unsigned> ordered(unsigned count, std::mt19937& random) {
  std::vector<unsigned> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0);
  if (order == 1) std::reverse(numbers.begin(), numbers.end());
  if (order > 1) std::shuffle(numbers.begin(), numbers.end(), random);
  return numbers;
}

enum class State { ready, atWarp, atBlock, ended };

/// A fiber is made once and runs one kernel's thread after the other. It goes on by longjmp, for swapcontext asks the system each time.
struct Fiber {
  static constexpr size_t stackBytes = 128 << 10;
  Thread thread;
  State state;
  bool begun = false;
  std::unique_ptr<char[]> stack{new char[stackBytes]};
  ucontext_t start;
  jmp_buf here;
};

struct Fibers {
  std::vector<std::unique_ptr<Fiber>> all;
  Fiber* current = nullptr;
  jmp_buf scheduler;
  const std::function<void()>* body = nullptr;
};

inline thread_local Fibers fibers;

__attribute__((noinline)) inline void leave(State state) {
  Fibers& of = fibers;
  of.current->state = state;
  if (_setjmp(of.current->here) == 0) _longjmp(of.scheduler, 1);
}

__attribute__((noinline)) inline void goOn(Fiber& fiber) {
  Fibers& of = fibers;
  of.current = &fiber;
  self = &fiber.thread;
  if (_setjmp(of.scheduler) != 0) return;
  if (fiber.begun) _longjmp(fiber.here, 1);
  fiber.begun = true;
  getcontext(&fiber.start);
  fiber.start.uc_stack.ss_sp = fiber.stack.get();
  fiber.start.uc_stack.ss_size = Fiber::stackBytes;
  makecontext(&fiber.start, [] {
    for (;;) {
      (*fibers.body)();
      leave(State::ended);
    }
  }, 0);
  setcontext(&fiber.start);
}

inline void waitForWarp() { leave(State::atWarp); }
inline void waitForBlock() { leave(State::atBlock); }

/// Lets threads go on if all of them that have not ended wait like this. @returns whether any does
inline bool release(unsigned first, unsigned end, State waiting) {
  bool any = false;
  for (unsigned i = first; i < end; i++) {
    if (fibers.all[i]->state == State::ended) continue;
    if (fibers.all[i]->state != waiting) return false;
    any = true;
  }
  for (unsigned i = first; i < end; i++) {
    if (fibers.all[i]->state == waiting) fibers.all[i]->state = State::ready;
  }
  return any;
}

/// Each warp goes as far as it can before the next one does anything: what lacks a barrier is then far ahead, or far behind.
inline void runBlock(Block& block, std::mt19937& random) {
  do {
    for (unsigned warp : ordered((block.threads + 31) / 32, random)) {
      const unsigned first = 32 * warp, end = std::min(first + 32, block.threads);
      do {
        for (unsigned lane : ordered(end - first, random)) {
          if (fibers.all[first + lane]->state == State::ready) goOn(*fibers.all[first + lane]);
        }
      } while (release(first, end, State::atWarp));
    }
  } while (release(0, block.threads, State::atBlock));
  for (unsigned i = 0; i < block.threads; i++) {
    if (fibers.all[i]->state == State::ended) continue;
    std::fputs("the threads of a block wait at different places\n", stderr);
    std::abort();
  }
}

inline void run(dim3 grid, dim3 shape, size_t sharedBytes, const std::function<void()>& body) {
  std::mt19937 random(order);
  const unsigned threads = shape.x * shape.y * shape.z;
  fibers.body = &body;
  while (fibers.all.size() < threads) fibers.all.push_back(std::make_unique<Fiber>());
  for (unsigned number : ordered(grid.x * grid.y * grid.z, random)) {
    Block block(threads, sharedBytes);
    const dim3 at{number % grid.x, number / grid.x % grid.y, number / grid.x / grid.y};
    for (unsigned i = 0; i < threads; i++) {
      const dim3 place{i % shape.x, i / shape.x % shape.y, i / shape.x / shape.y};
      fibers.all[i]->thread = {&block, i, place, at, shape, grid};
      fibers.all[i]->state = State::ready;
    }
    runBlock(block, random);
  }
}

}  // namespace shim
