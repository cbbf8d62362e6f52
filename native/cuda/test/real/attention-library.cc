// Opens the library of attention as ../../sequence-attention.cc does and asks it for a plan: prints its version and what it says.
//
// @param argv[1] the library
#include <dlfcn.h>

#include <cstdio>

#include "../../attention-library.h"

using namespace r1::cuda;

int main(int, char** argv) {
  void* opened = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (opened == nullptr) return std::fprintf(stderr, "%s\n", dlerror()), 1;
  const AttentionLibrary library{reinterpret_cast<decltype(AttentionLibrary::Version)>(dlsym(opened, "R1AttentionVersion")),
                                 reinterpret_cast<decltype(AttentionLibrary::Plan)>(dlsym(opened, "R1AttentionPlan")),
                                 reinterpret_cast<decltype(AttentionLibrary::Run)>(dlsym(opened, "R1AttentionRun"))};
  std::printf("%s\n", library.Version());
  const AttentionSizes sizes{8, 256, 14, 2, 64};
  uint64_t workspaceBytes = 0;
  const char* message = library.Plan(&sizes, true, &workspaceBytes);
  std::printf("%s\n", message == nullptr ? "planned" : message);
}
