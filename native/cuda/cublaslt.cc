#include "cublaslt.h"

#include <dlfcn.h>

#include <stdexcept>
#include <string>

namespace r1::cublaslt {

namespace {

template <class Function>
bool find(void* library, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(library, name));
  return function != nullptr;
}

}  // namespace

const Library* openLibrary(const char* name) {
  void* opened = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (opened == nullptr) return nullptr;
  static Library library;
#define R1_FIND(function) find(opened, "cublasLt" #function, library.function)
  const bool isWhole = R1_FIND(GetVersion) && R1_FIND(GetStatusString) && R1_FIND(Create) && R1_FIND(Destroy) && R1_FIND(MatmulDescCreate) &&
                       R1_FIND(MatmulDescSetAttribute) && R1_FIND(MatmulDescDestroy) && R1_FIND(MatrixLayoutCreate) &&
                       R1_FIND(MatrixLayoutDestroy) && R1_FIND(MatmulPreferenceCreate) && R1_FIND(MatmulPreferenceSetAttribute) &&
                       R1_FIND(MatmulPreferenceDestroy) && R1_FIND(MatmulAlgoGetHeuristic) && R1_FIND(Matmul);
#undef R1_FIND
  return isWhole ? &library : nullptr;
}

void check(const Library& library, const char* function, int status) {
  if (status != success) throw std::runtime_error(std::string(function) + ": " + library.GetStatusString(status));
}

}  // namespace r1::cublaslt
