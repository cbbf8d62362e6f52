// Tests of the CUDA kernels on the CPU: those of native/kernels/test, and what only they have to promise. A tenth of the cases runs in four
// orders of blocks and threads, which must give the same bits. Ends with 1 if a check failed.
#include "../../kernels/test/check.h"
#include "../../kernels/test/tests.h"
#include "../shim/cuda.h"
#include "tests.h"

namespace {

#define R1_MEMBER(name) r1::name,
constexpr r1::Table kernels = {R1_KERNELS(R1_MEMBER)};
#undef R1_MEMBER

struct Family {
  const char* name;
  void (*test)(const r1::Table& kernels);
};

constexpr Family families[] = {
    {"elementwise", testElementwise},
    {"linear", testLinear},
#ifdef R1_CUBLASLT
    {"by-library", testByLibrary},
    {"sequence-attention", testSequenceAttention},
#else
    {"rows-in-parts", testRowsInParts},
#endif
    {"attention", testAttention},
    {"token-probability", testTokenProbability},
    {"sums", testSums},
    {"rows", testRows},
    {"sampling", testSampling},
};

}  // namespace

/// @param argv the families to test, where none means all; before them, --brief leaves the other cases out
int main(int argc, char** argv) {
  const bool isBrief = argc > 1 && std::string(argv[1]) == "--brief";
  const std::vector<std::string> wanted(argv + 1 + isBrief, argv + argc);
  for (const Family& family : families) {
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), family.name) == wanted.end()) continue;
    const int before = test::failures;
    test::random().seed(1);
    if (!isBrief) family.test(kernels);
    test::oneIn = 10;
    uint64_t first = 0;
    for (shim::order = 0; shim::order < 4; shim::order++) {
      test::random().seed(2);
      test::digest = 0;
      family.test(kernels);
      if (shim::order == 0) first = test::digest;
      test::check(test::digest == first, "%s: order %d of threads gives other bits", family.name, shim::order);
    }
    test::oneIn = 1, shim::order = 0;
    std::printf("%s: %s\n", family.name, test::failures == before ? "ok" : "FAILED");
  }
  return test::failures == 0 ? 0 : 1;
}
