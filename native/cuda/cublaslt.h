// What linear layers use of cuBLASLt, as NVIDIA's cublasLt.h declares it: the library is opened when it is there, so no header of NVIDIA's is
// needed to compile. test/cublaslt-interface.cc compares the two.
#pragma once

#include <cstddef>
#include <cstdint>

namespace r1::cublaslt {

/// cublasStatus_t
constexpr int success = 0, notSupported = 15;
/// cudaDataType_t, and cublasComputeType_t of sums in float32 without TF32
constexpr int float32 = 0, bfloat16 = 14, sumsInFloat32 = 68;
/// cublasLtMatmulDescAttributes_t, and cublasOperation_t
constexpr int transposeA = 3, transposeB = 4, transposed = 1;
/// cublasLtMatmulPreferenceAttributes_t
constexpr int mostWorkspaceBytes = 1, reductionSchemes = 3, alignmentOfA = 5, alignmentOfB = 6, alignmentOfC = 7, alignmentOfD = 8;

/// cublasLtMatmulAlgo_t
struct Algorithm {
  uint64_t data[8];
};
/// cublasLtMatmulHeuristicResult_t
struct Candidate {
  Algorithm algorithm;
  size_t workspaceBytes;
  int status;
  float waves;
  int reserved[4];
};

/// Functions of the library, without the cublasLt of their names. Handles, descriptors and streams are addresses.
struct Library {
  size_t (*GetVersion)();
  const char* (*GetStatusString)(int status);
  int (*Create)(void** handle);
  int (*Destroy)(void* handle);
  int (*MatmulDescCreate)(void** description, int sums, int factorsType);
  int (*MatmulDescSetAttribute)(void* description, int attribute, const void* value, size_t bytes);
  int (*MatmulDescDestroy)(void* description);
  int (*MatrixLayoutCreate)(void** layout, int type, uint64_t rows, uint64_t columns, int64_t leadingDimension);
  int (*MatrixLayoutDestroy)(void* layout);
  int (*MatmulPreferenceCreate)(void** preference);
  int (*MatmulPreferenceSetAttribute)(void* preference, int attribute, const void* value, size_t bytes);
  int (*MatmulPreferenceDestroy)(void* preference);
  int (*MatmulAlgoGetHeuristic)(void* handle, void* description, void* a, void* b, void* c, void* d, void* preference, int wanted,
                                Candidate* candidates, int* found);
  int (*Matmul)(void* handle, void* description, const void* alpha, const void* a, void* layoutOfA, const void* b, void* layoutOfB,
                const void* beta, const void* c, void* layoutOfC, void* d, void* layoutOfD, const Algorithm* algorithm, void* workspace,
                size_t workspaceBytes, void* stream);
};

/// Null where there is no such library, or it lacks one of them.
const Library* openLibrary(const char* name);

/// Throws std::runtime_error in the library's words, unless it says success.
void check(const Library& library, const char* function, int status);

/// What the library has made, until it is destroyed.
class Made {
 public:
  template <class Create, class... Arguments>
  Made(const Library& library, const char* function, Create create, int (*destroy)(void*), Arguments... arguments) : destroy_(destroy) {
    check(library, function, create(&it_, arguments...));
  }
  Made(const Made&) = delete;
  ~Made() { destroy_(it_); }
  operator void*() const { return it_; }

 private:
  void* it_ = nullptr;
  int (*destroy_)(void*);
};

}  // namespace r1::cublaslt
