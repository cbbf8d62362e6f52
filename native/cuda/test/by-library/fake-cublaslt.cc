// Stands in for cuBLASLt on the CPU: products of matrices by columns, with what the library asks of callers checked.
#include "fake.h"

#include <cstring>
#include <map>
#include <vector>

#include "../../../kernels/test/reference.h"
#include "../../cublaslt.h"

using namespace r1::cublaslt;

namespace {

constexpr int invalidValue = 7, notInitialized = 1;
constexpr size_t workspaceOfAlgorithm = 4096;

/// A descriptor: what it was made with, and its attributes.
struct Object {
  int type = 0;
  uint64_t rows = 0, columns = 0;
  int64_t leadingDimension = 0;
  std::map<int, std::vector<char>> attributes;

  template <class T>
  T attribute(int which, T otherwise) const {
    const auto at = attributes.find(which);
    if (at == attributes.end()) return otherwise;
    T value{};
    if (at->second.size() == sizeof value) std::memcpy(&value, at->second.data(), sizeof value);
    return value;
  }
};

Object& of(void* it) { return *static_cast<Object*>(it); }
int set(void* it, int attribute, const void* value, size_t bytes) {
  const char* begin = static_cast<const char*>(value);
  of(it).attributes[attribute] = {begin, begin + bytes};
  return success;
}
int destroy(void* it) {
  delete &of(it);
  return success;
}

/// Element (row, column) of a factor as its product sees it.
struct Matrix {
  const void* data;
  const Object& layout;
  bool isTransposed;

  uint64_t rows() const { return isTransposed ? layout.columns : layout.rows; }
  uint64_t columns() const { return isTransposed ? layout.rows : layout.columns; }
  float at(int64_t row, int64_t column) const {
    const int64_t at = isTransposed ? column + row * layout.leadingDimension : row + column * layout.leadingDimension;
    if (layout.type == float32) return static_cast<const float*>(data)[at];
    return reference::widened(static_cast<const uint16_t*>(data)[at]);
  }
};

bool fits(const Matrix& a, const Matrix& b, const Object& d) {
  const bool isDense = a.layout.leadingDimension >= int64_t(a.layout.rows) && b.layout.leadingDimension >= int64_t(b.layout.rows) &&
                       d.leadingDimension >= int64_t(d.rows);
  return isDense && a.layout.type == b.layout.type && d.type == float32 && a.rows() == d.rows && b.columns() == d.columns &&
         a.columns() == b.rows() && a.columns() > 0 && d.rows > 0 && d.columns > 0;
}

/// Rows of a factor in float32, or its columns.
std::vector<float> vectorsOf(const Matrix& x, bool byRows) {
  std::vector<float> all;
  all.reserve(x.rows() * x.columns());
  for (uint64_t i = 0; i < (byRows ? x.rows() : x.columns()); i++) {
    for (uint64_t l = 0; l < (byRows ? x.columns() : x.rows()); l++) all.push_back(byRows ? x.at(i, l) : x.at(l, i));
  }
  return all;
}

/// Sums of so many products each, which are then added up.
float sumOfProducts(const float* a, const float* b, int64_t terms, int64_t termsOfSum) {
  float all = 0;
  for (int64_t first = 0; first < terms; first += termsOfSum) {
    float sum = 0;
    for (int64_t l = first; l < terms && l < first + termsOfSum; l++) sum += a[l] * b[l];
    all += sum;
  }
  return all;
}

bool isAligned(const void* memory) { return memory != nullptr && reinterpret_cast<uintptr_t>(memory) % 16 == 0; }

}  // namespace

#define R1_EXPORT extern "C" __attribute__((visibility("default")))

R1_EXPORT FakeCublasLt& fakeCublasLt() {
  static FakeCublasLt fake;
  return fake;
}

R1_EXPORT size_t cublasLtGetVersion() { return 130099; }
R1_EXPORT const char* cublasLtGetStatusString(int status) { return status == invalidValue ? "an unsupported value" : "the function failed to launch on the GPU"; }
R1_EXPORT int cublasLtCreate(void** handle) { return *handle = new Object, success; }
R1_EXPORT int cublasLtDestroy(void* handle) { return destroy(handle); }
R1_EXPORT int cublasLtMatmulDescCreate(void** description, int sums, int type) {
  *description = new Object;
  return sums == sumsInFloat32 && type == float32 ? success : notSupported;
}
R1_EXPORT int cublasLtMatmulDescSetAttribute(void* it, int attribute, const void* value, size_t bytes) { return set(it, attribute, value, bytes); }
R1_EXPORT int cublasLtMatmulDescDestroy(void* it) { return destroy(it); }
R1_EXPORT int cublasLtMatrixLayoutCreate(void** layout, int type, uint64_t rows, uint64_t columns, int64_t leadingDimension) {
  *layout = new Object{type, rows, columns, leadingDimension, {}};
  return success;
}
R1_EXPORT int cublasLtMatrixLayoutDestroy(void* it) { return destroy(it); }
R1_EXPORT int cublasLtMatmulPreferenceCreate(void** preference) { return *preference = new Object, success; }
R1_EXPORT int cublasLtMatmulPreferenceSetAttribute(void* it, int attribute, const void* value, size_t bytes) { return set(it, attribute, value, bytes); }
R1_EXPORT int cublasLtMatmulPreferenceDestroy(void* it) { return destroy(it); }

R1_EXPORT int cublasLtMatmulAlgoGetHeuristic(void* handle, void* description, void* a, void* b, void*, void* d, void* preference, int wanted,
                                             Candidate* candidates, int* found) {
  if (handle == nullptr) return notInitialized;
  const Object& by = of(preference);
  const bool asksForLess = by.attribute(reductionSchemes, 7u) == 0 && by.attribute(mostWorkspaceBytes, uint64_t(0)) >= workspaceOfAlgorithm;
  for (int which : {alignmentOfA, alignmentOfB, alignmentOfC, alignmentOfD}) {
    if (by.attribute(which, 256u) != 16) return invalidValue;
  }
  const Matrix first{nullptr, of(a), of(description).attribute(transposeA, 0) == transposed};
  const Matrix second{nullptr, of(b), of(description).attribute(transposeB, 0) == transposed};
  if (!asksForLess || !fits(first, second, of(d))) return invalidValue;
  fakeCublasLt().asked++;
  *found = 0;
  if (of(a).type == bfloat16 && (of(a).rows % 2 != 0 || of(b).rows % 2 != 0)) return notSupported;
  for (uint64_t algorithm : {changesBits, takesNoFewRows, keepsBits}) {
    if (*found == wanted || (algorithm == keepsBits && of(a).rows == withoutAlgorithm)) break;
    candidates[(*found)++] = {{{algorithm}}, workspaceOfAlgorithm, success, 1, {}};
  }
  return success;
}

R1_EXPORT int cublasLtMatmul(void*, void* description, const void* alpha, const void* a, void* layoutOfA, const void* b, void* layoutOfB,
                             const void* beta, const void* c, void* layoutOfC, void* d, void* layoutOfD, const Algorithm* algorithm,
                             void* workspace, size_t workspaceBytes, void*) {
  FakeCublasLt& fake = fakeCublasLt();
  const Matrix first{a, of(layoutOfA), of(description).attribute(transposeA, 0) == transposed};
  const Matrix second{b, of(layoutOfB), of(description).attribute(transposeB, 0) == transposed};
  const Object& result = of(layoutOfD);
  const bool isWell = isAligned(a) && isAligned(b) && isAligned(c) && isAligned(d) && isAligned(workspace) && layoutOfC == layoutOfD &&
                      workspaceBytes >= workspaceOfAlgorithm && *static_cast<const float*>(alpha) == 1 && fits(first, second, result);
  if (!isWell) return invalidValue;
  if (fake.failsWith != success) return fake.failsWith;
  fake.multiplied++;
  fake.algorithm = int(algorithm->data[0]);
  const int64_t rows = int64_t(result.columns);  // as those are called who have them by rows
  if (fake.algorithm == takesNoFewRows && rows < 8) return notSupported;
  std::memset(workspace, 0xff, workspaceOfAlgorithm);
  const float ofC = *static_cast<const float*>(beta);
  const int64_t terms = int64_t(first.columns());
  const std::vector<float> left = vectorsOf(first, true), right = vectorsOf(second, false);
  for (int64_t column = 0; column < rows; column++) {
    for (int64_t row = 0; row < int64_t(result.rows); row++) {
      const float sum = sumOfProducts(&left[row * terms], &right[column * terms], terms, fake.algorithm == changesBits ? 8 + rows % 5 : 32);
      const int64_t at = row + column * result.leadingDimension;
      static_cast<float*>(d)[at] = ofC == 0 ? sum : sum + ofC * static_cast<const float*>(c)[at];
    }
  }
  return success;
}
