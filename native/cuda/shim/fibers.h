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

/// Lets those go on whose warp, or all of whom, have come to the same place. @returns whether any may
inline bool release(unsigned threads) {
  bool any = false, allAtBlock = true;
  const auto isIn = [](unsigned i, State state) { return fibers.all[i]->state == state || fibers.all[i]->state == State::ended; };
  const auto free = [&](unsigned first, unsigned end) {
    for (unsigned i = first; i < end; i++) {
      if (fibers.all[i]->state == State::ended) continue;
      fibers.all[i]->state = State::ready;
      any = true;
    }
  };
  for (unsigned first = 0; first < threads; first += 32) {
    const unsigned end = std::min(first + 32, threads);
    bool atWarp = true;
    for (unsigned i = first; i < end; i++) {
      atWarp &= isIn(i, State::atWarp);
      allAtBlock &= isIn(i, State::atBlock);
    }
    if (atWarp) free(first, end);
  }
  if (allAtBlock) free(0, threads);
  return any;
}

inline void runBlock(Block& block, std::mt19937& random) {
  bool left = true;
  while (left) {
    for (unsigned i : ordered(block.threads, random)) {
      if (fibers.all[i]->state == State::ready) goOn(*fibers.all[i]);
    }
    left = false;
    for (unsigned i = 0; i < block.threads; i++) left |= fibers.all[i]->state != State::ended;
    if (left && !release(block.threads)) {
      std::fputs("the threads of a block wait at different places\n", stderr);
      std::abort();
    }
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
