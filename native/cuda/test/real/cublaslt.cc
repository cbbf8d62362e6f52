// ../../cublaslt.h against NVIDIA's header when it is compiled, and against the library when it runs, up to where a GPU is missing: prints what
// each step says.
//
// @param argv[1] the library
#include <cublasLt.h>

#include <cstdio>
#include <stdexcept>
#include <type_traits>

#include "../../cublaslt.h"
#include "../../linear-product.h"

namespace {

using namespace r1;
using namespace r1::cublaslt;

static_assert(success == CUBLAS_STATUS_SUCCESS && notSupported == CUBLAS_STATUS_NOT_SUPPORTED);
static_assert(float32 == CUDA_R_32F && bfloat16 == CUDA_R_16BF && sumsInFloat32 == CUBLAS_COMPUTE_32F && transposed == CUBLAS_OP_T);
static_assert(transposeA == CUBLASLT_MATMUL_DESC_TRANSA && transposeB == CUBLASLT_MATMUL_DESC_TRANSB);
static_assert(mostWorkspaceBytes == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES);
static_assert(reductionSchemes == CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK && CUBLASLT_REDUCTION_SCHEME_NONE == 0);
static_assert(alignmentOfA == CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES && alignmentOfB == CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES);
static_assert(alignmentOfC == CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES && alignmentOfD == CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES);
static_assert(sizeof(Algorithm) == sizeof(cublasLtMatmulAlgo_t) && sizeof(Candidate) == sizeof(cublasLtMatmulHeuristicResult_t));
static_assert(offsetof(Candidate, workspaceBytes) == offsetof(cublasLtMatmulHeuristicResult_t, workspaceSize));
static_assert(offsetof(Candidate, status) == offsetof(cublasLtMatmulHeuristicResult_t, state));

/// How a parameter is passed: an address, or a number of so many bytes.
template <class T>
constexpr size_t passedAs = std::is_pointer_v<T> ? 0 : sizeof(T);
template <class Result, class... Ours, class Theirs, class... TheirParameters>
constexpr bool isCalledAlike(Result (*)(Ours...), Theirs (*)(TheirParameters...)) {
  if constexpr (sizeof...(Ours) != sizeof...(TheirParameters)) return false;
  else return passedAs<Result> == passedAs<Theirs> && ((passedAs<Ours> == passedAs<TheirParameters>) && ...);
}
#define R1_ALIKE(function) static_assert(isCalledAlike(decltype(Library::function)(), static_cast<decltype(&cublasLt##function)>(nullptr)))
R1_ALIKE(GetVersion);
R1_ALIKE(GetStatusString);
R1_ALIKE(Create);
R1_ALIKE(Destroy);
R1_ALIKE(MatmulDescCreate);
R1_ALIKE(MatmulDescSetAttribute);
R1_ALIKE(MatmulDescDestroy);
R1_ALIKE(MatrixLayoutCreate);
R1_ALIKE(MatrixLayoutDestroy);
R1_ALIKE(MatmulPreferenceCreate);
R1_ALIKE(MatmulPreferenceSetAttribute);
R1_ALIKE(MatmulPreferenceDestroy);
R1_ALIKE(MatmulAlgoGetHeuristic);
R1_ALIKE(Matmul);

}  // namespace

int main(int, char** argv) {
  const Library* library = openLibrary(argv[1]);
  if (library == nullptr) return std::printf("no library\n"), 1;
  std::printf("version %zu\n", library->GetVersion());
  try {
    const Made product(*library, "cublasLtMatmulDescCreate", library->MatmulDescCreate, library->MatmulDescDestroy, sumsInFloat32, float32);
    for (int attribute : {transposeA, transposeB}) {
      check(*library, "cublasLtMatmulDescSetAttribute", library->MatmulDescSetAttribute(product, attribute, &transposed, sizeof transposed));
    }
    const cuda::ColumnProduct by = byColumns(cuda::LinearProduct::output, {512, 896, 4864});
    for (const auto& [rows, columns] : {by.a, by.b, by.d}) {
      const Made layout(*library, "cublasLtMatrixLayoutCreate", library->MatrixLayoutCreate, library->MatrixLayoutDestroy, bfloat16, rows, columns, rows);
    }
    const Made preference(*library, "cublasLtMatmulPreferenceCreate", library->MatmulPreferenceCreate, library->MatmulPreferenceDestroy);
    const auto prefer = [&](int attribute, auto value) {
      check(*library, "cublasLtMatmulPreferenceSetAttribute", library->MatmulPreferenceSetAttribute(preference, attribute, &value, sizeof value));
    };
    prefer(mostWorkspaceBytes, uint64_t(32 << 20));
    prefer(reductionSchemes, uint32_t(0));
    for (int of : {alignmentOfA, alignmentOfB, alignmentOfC, alignmentOfD}) prefer(of, uint32_t(16));
    std::printf("described\n");
    const Made handle(*library, "cublasLtCreate", library->Create, library->Destroy);
    std::printf("created\n");
  } catch (const std::runtime_error& error) {
    std::printf("%s\n", error.what());
  }
}
