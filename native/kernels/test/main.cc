// Tests of the kernels, for every target that this machine can run. Ends with 1 if a check failed.
#include "check.h"
#include "tests.h"

namespace {

void testAll(const char* target, const r1::Table& kernels) {
  const int before = test::failures;
  testLinear(kernels);
  testRowsInParts(kernels);
  testAttention(kernels);
  testElementwise(kernels);
  testOrderOfSums(kernels);
  std::printf("%s: %s\n", target, test::failures == before ? "ok" : "FAILED");
}

}  // namespace

int main() {
  testAll("generic", r1::generic::table);
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) testAll("avx2", r1::avx2::table);
  if (__builtin_cpu_supports("avx512f")) testAll("avx512", r1::avx512::table);
  if (__builtin_cpu_supports("avx512bf16")) testAll("avx512bf16", r1::avx512bf16::table);
#endif
  return test::failures == 0 ? 0 : 1;
}
