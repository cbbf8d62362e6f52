// Checks of the test program: a failure is said, counted, and the program goes on, until there are many.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "../table.h"

namespace test {

inline int failures = 0;

/// Of the cases that there are, one in so many is enough.
inline int oneIn = 1;

inline int cases(int all) { return (all + oneIn - 1) / oneIn; }

/// Of all numbers that were found, in the order of the checks: two runs with the same bits have the same.
inline uint64_t digest = 0;

inline void digestNumbers(const float* numbers, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uint32_t bits;
    std::memcpy(&bits, &numbers[i], sizeof bits);
    digest = (digest ^ bits) * 0x100000001b3;
  }
}

__attribute__((format(printf, 2, 3))) inline void check(bool holds, const char* what, ...) {
  if (holds) return;
  if (++failures > 20) std::exit(1);
  va_list values;
  va_start(values, what);
  std::fputs("FAILED: ", stderr);
  std::vfprintf(stderr, what, values);
  std::fputc('\n', stderr);
  va_end(values);
}

typedef std::vector<float> Floats;

inline std::mt19937& random() {
  static std::mt19937 generator(20240607);
  return generator;
}

inline int64_t between(int64_t low, int64_t high) {
  return std::uniform_int_distribution<int64_t>(low, high)(random());
}

inline Floats normals(int64_t count, float scale = 1) {
  std::normal_distribution<float> normal(0, scale);
  Floats values(count);
  for (float& value : values) value = normal(random());
  return values;
}

/// Largest difference, over the largest value of `want` or 1.
inline double difference(const Floats& got, const Floats& want) {
  double largest = 1, worst = 0;
  for (float value : want) largest = std::fmax(largest, std::fabs(value));
  for (size_t i = 0; i < want.size(); i++) {
    const double off = std::fabs(double(got[i]) - want[i]);
    worst = off <= worst ? worst : off;  // so that NaN is worst
    if (std::isnan(off)) return off;
  }
  return worst / largest;
}

inline bool close(const Floats& got, const Floats& want, double tolerance) {
  digestNumbers(got.data(), got.size());
  return got.size() == want.size() && difference(got, want) <= tolerance;
}

inline bool sameBits(const float* a, const float* b, int64_t count) {
  return std::memcmp(a, b, count * sizeof(float)) == 0;
}

inline bool sameBits(const Floats& a, const Floats& b) {
  return a.size() == b.size() && sameBits(a.data(), b.data(), int64_t(a.size()));
}

}  // namespace test
