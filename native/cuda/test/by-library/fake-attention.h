// What tests ask of the library that stands in for cuDNN's attention, beside what it does as a library of attention.
#pragma once

#include <vector>

#include "../../attention-library.h"

struct FakeAttention {
  std::vector<r1::cuda::AttentionSizes> ran;  ///< sizes of the runs
  const char* refuses = nullptr;              ///< what is said of plans
  const char* fails = nullptr;                ///< what is said of runs
};

extern "C" FakeAttention& fakeAttention();
