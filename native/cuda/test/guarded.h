// Memory of a result: no numbers at first, and as many before and behind it, which nobody may touch.
#pragma once

#include <cstring>

#include "../../kernels/test/check.h"

namespace test {

template <class T>
class Guarded {
 public:
  explicit Guarded(int64_t count) : count_(count), all_(count + 2 * guard) { std::memset(all_.data(), 0xff, all_.size() * sizeof(T)); }
  explicit Guarded(const std::vector<T>& begun) : Guarded(int64_t(begun.size())) { std::copy(begun.begin(), begun.end(), data()); }

  T* data() { return all_.data() + guard; }
  std::vector<T> values() const {
    check(isUntouched(), "what lies beside a result is changed");
    return {all_.begin() + guard, all_.end() - guard};
  }

 private:
  static constexpr int64_t guard = 64;

  bool isUntouched() const {
    const std::vector<char> untouched(guard * sizeof(T), char(0xff));
    return std::memcmp(all_.data(), untouched.data(), untouched.size()) == 0 &&
           std::memcmp(all_.data() + guard + count_, untouched.data(), untouched.size()) == 0;
  }

  int64_t count_;
  std::vector<T> all_;
};

}  // namespace test
