// How an algorithm is chosen. cuBLASLt offers some for a product, with other orders of sums for other numbers of rows. Ours is asked for once for
// weights of a shape, whatever the rows, and is taken only if the bits of rows do not change with how many there are.
#include "linear-by-library.h"

#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "../kernels/scratch.h"
#include "cublaslt.h"
#include "kernels/copies.h"
#include "kernels/linear.h"

namespace r1::cuda {

namespace {

using cublaslt::Candidate;
using cublaslt::Library;
using cublaslt::Made;

/// Nothing where the process has none: those that run on the CPU are not given a name.
const Library* library() {
#ifdef R1_CUBLASLT
  static const Library* const opened = cublaslt::openLibrary(R1_CUBLASLT);
  return opened;
#else
  return nullptr;
#endif
}

/// Rows that algorithms are asked for, how many are looked at, and what they may work in.
constexpr int64_t usualRows = 512;
constexpr int candidatesLookedAt = 8;
constexpr uint64_t mostWorkspace = 32 << 20;

/// Vectors of 16 bytes, which fast algorithms load.
constexpr uint32_t alignment = 16;
bool isAligned(const void* memory) { return reinterpret_cast<uintptr_t>(memory) % alignment == 0; }

/// What an algorithm is chosen for.
struct Kind {
  LinearProduct product;
  bool inHalves;
  int64_t n, k;

  auto key() const { return std::tuple(product, inHalves, n, k); }
  int type() const { return inHalves ? cublaslt::bfloat16 : cublaslt::float32; }
  size_t elementBytes() const { return inHalves ? sizeof(uint16_t) : sizeof(float); }
};

/// The descriptors of a product.
struct Described {
  Made product, a, b, d;

  Described(const Library& of, const Kind& kind, const ColumnProduct& by)
      : product(of, "cublasLtMatmulDescCreate", of.MatmulDescCreate, of.MatmulDescDestroy, cublaslt::sumsInFloat32, cublaslt::float32),
        a(of, "cublasLtMatrixLayoutCreate", of.MatrixLayoutCreate, of.MatrixLayoutDestroy, kind.type(), by.a.rows, by.a.columns, by.a.rows),
        b(of, "cublasLtMatrixLayoutCreate", of.MatrixLayoutCreate, of.MatrixLayoutDestroy, kind.type(), by.b.rows, by.b.columns, by.b.rows),
        d(of, "cublasLtMatrixLayoutCreate", of.MatrixLayoutCreate, of.MatrixLayoutDestroy, cublaslt::float32, by.d.rows, by.d.columns, by.d.rows) {
    transpose(of, cublaslt::transposeA, by.isTransposedA);
    transpose(of, cublaslt::transposeB, by.isTransposedB);
  }

 private:
  void transpose(const Library& of, int attribute, bool isTransposed) {
    if (!isTransposed) return;
    const int value = cublaslt::transposed;
    cublaslt::check(of, "cublasLtMatmulDescSetAttribute", of.MatmulDescSetAttribute(product, attribute, &value, sizeof value));
  }
};

/// What a product reads and writes: factors as the kind has them, c and y aligned, c not null.
struct Operands {
  const void *a, *b;
  bool addsC;
  const float* c;
  float* y;
};

/// cuBLASLt on the GPU of one thread.
class Products {
 public:
  explicit Products(const Library& of) : library_(of), handle_(of, "cublasLtCreate", of.Create, of.Destroy) {}

  /// The algorithm for a kind; nothing where none will do.
  const std::optional<Candidate>& algorithmFor(const Kind& kind) {
    const auto [at, isNew] = chosen_.try_emplace(kind.key());
    if (isNew) at->second = choose(kind);
    return at->second;
  }

  void multiply(const Kind& kind, const Candidate& by, int64_t m, const Operands& of) {
    cublaslt::check(library_, "cublasLtMatmul", tryToMultiply(kind, by, m, of));
  }

 private:
  std::optional<Candidate> choose(const Kind& kind) {
    for (const Candidate& candidate : candidatesFor(kind)) {
      if (candidate.status == cublaslt::success && keepsBitsOfRows(kind, candidate)) return candidate;
    }
    return {};
  }

  /// The fastest first. Sums in parts that are added up in any order, or in another memory, are not asked for.
  std::vector<Candidate> candidatesFor(const Kind& kind) {
    const Described described(library_, kind, byColumns(kind.product, {usualRows, kind.n, kind.k}));
    const Made preference(library_, "cublasLtMatmulPreferenceCreate", library_.MatmulPreferenceCreate, library_.MatmulPreferenceDestroy);
    const auto prefer = [&](int attribute, auto value) {
      const int status = library_.MatmulPreferenceSetAttribute(preference, attribute, &value, sizeof value);
      cublaslt::check(library_, "cublasLtMatmulPreferenceSetAttribute", status);
    };
    prefer(cublaslt::mostWorkspaceBytes, mostWorkspace);
    prefer(cublaslt::reductionSchemes, uint32_t(0));
    for (int of : {cublaslt::alignmentOfA, cublaslt::alignmentOfB, cublaslt::alignmentOfC, cublaslt::alignmentOfD}) prefer(of, alignment);

    std::vector<Candidate> candidates(candidatesLookedAt);
    int found = 0;
    const int status = library_.MatmulAlgoGetHeuristic(handle_, described.product, described.a, described.b, described.d, described.d,
                                                       preference, candidatesLookedAt, candidates.data(), &found);
    if (status != cublaslt::notSupported) cublaslt::check(library_, "cublasLtMatmulAlgoGetHeuristic", status);
    candidates.resize(status == cublaslt::success ? found : 0);
    return candidates;
  }

  /// Multiplies many rows, then fewer of them, by as many terms as the weights have and by some of their outputs. A gradient of weights has no
  /// rows in this sense: all are its terms.
  bool keepsBitsOfRows(Kind kind, const Candidate& candidate) {
    if (kind.product == LinearProduct::weightGradient) return true;
    const bool isForward = kind.product == LinearProduct::output;
    const int64_t terms = isForward ? kind.k : kind.n;
    int64_t& outputs = isForward ? kind.n : kind.k;
    const int64_t most = elementsOfTrial / terms / 16 * 16;
    if (outputs > most) outputs = most > 16 ? most : 16;
    const int64_t widest = terms > outputs ? terms : outputs, fitting = elementsOfTrial / widest / 16 * 16;
    const int64_t rows = fitting < 48 ? 48 : fitting > 1024 ? 1024 : fitting;

    const Memory a(outputs * terms * kind.elementBytes()), b(rows * terms * kind.elementBytes());
    const Memory all(rows * outputs * sizeof(float)), some(rows * outputs * sizeof(float));
    noise(kind, a, 1, outputs * terms);
    noise(kind, b, 2, rows * terms);
    const auto run = [&](int64_t first, int64_t count, const Memory& y) {
      const void* from = static_cast<const char*>(b.data()) + first * terms * kind.elementBytes();
      float* to = static_cast<float*>(y.data());
      return tryToMultiply(kind, candidate, count, {a.data(), from, false, to, to}) == cublaslt::success;
    };
    if (!run(0, rows, all)) return false;
    const auto [first, end] = std::pair(int64_t(16), rows - 16);  // rows that begin where memory is aligned
    for (int64_t count : {int64_t(1), int64_t(2), int64_t(7), (end - first) / 2 + 1, end - first}) {
      if (!run(first, count, some)) return false;
      std::vector<float> want(count * outputs), got(count * outputs);
      toHost(want.data(), static_cast<float*>(all.data()) + first * outputs, want.size() * sizeof(float));
      toHost(got.data(), some.data(), got.size() * sizeof(float));
      if (std::memcmp(want.data(), got.data(), want.size() * sizeof(float)) != 0) return false;
    }
    return true;
  }

  static void noise(const Kind& kind, const Memory& to, unsigned seed, int64_t n) {
    if (kind.inHalves) forEach(n, writeNoise<uint16_t>, static_cast<uint16_t*>(to.data()), seed, n);
    else forEach(n, writeNoise<float>, static_cast<float*>(to.data()), seed, n);
  }

  int tryToMultiply(const Kind& kind, const Candidate& by, int64_t m, const Operands& of) {
    const Described described(library_, kind, byColumns(kind.product, {m, kind.n, kind.k}));
    const float one = 1, ofC = of.addsC ? 1 : 0;
    return library_.Matmul(handle_, described.product, &one, of.a, described.a, of.b, described.b, &ofC, of.c, described.d, of.y,
                           described.d, &by.algorithm, scratchBytes(Scratch::workspace, by.workspaceBytes), by.workspaceBytes, stream());
  }

  const Library& library_;
  Made handle_;
  std::map<decltype(std::declval<Kind>().key()), std::optional<Candidate>> chosen_;
};

template <class From, class To>
const void* copied(const void* from, Scratch piece, const ColumnLayout& layout) {
  const Strided<From> rows{static_cast<const From*>(from), layout.rows, 1};
  To* to = scratch<To>(piece, layout.rows * layout.columns);
  forEach(layout.rows * layout.columns, writeRows<Strided<From>, To>, rows, to, layout.columns, layout.rows);
  return to;
}

/// The factor, or a copy in aligned memory that has the kind's elements.
const void* asWanted(const Factor& factor, bool inHalves, Scratch piece, const ColumnLayout& layout) {
  if (factor.isHalf == inHalves && isAligned(factor.data)) return factor.data;
  const auto copy = factor.isHalf ? copied<uint16_t, uint16_t> : inHalves ? copied<float, uint16_t> : copied<float, float>;
  return copy(factor.data, piece, layout);
}

}  // namespace

bool multiplyByLibrary(LinearProduct product, bool inHalves, const Factor& a, const Factor& b, const float* c, float* y,
                       const LinearSizes& sizes) {
  if (library() == nullptr || sizes.m == 0 || sizes.n == 0 || sizes.k == 0) return false;
  static thread_local Products products(*library());
  const Kind kind{product, inHalves, sizes.n, sizes.k};
  const std::optional<Candidate>& algorithm = products.algorithmFor(kind);
  if (!algorithm) return false;

  const ColumnProduct by = byColumns(product, sizes);
  const size_t bytes = by.d.rows * by.d.columns * sizeof(float);
  float* to = isAligned(y) ? y : static_cast<float*>(scratchBytes(Scratch::results, bytes));
  const bool isThere = c == nullptr || (isAligned(c) && (c != y || to == y));
  if (!isThere) copy(to, c, bytes);
  const Operands of{asWanted(a, inHalves, Scratch::weights, by.a), asWanted(b, inHalves, Scratch::roundedRows, by.b), c != nullptr,
                    c == nullptr || !isThere ? to : c, to};
  products.multiply(kind, *algorithm, sizes.m, of);
  if (to != y) copy(y, to, bytes);
  return true;
}

const char* libraryOfProducts() {
  static const std::string name = library() == nullptr ? "" : "cublaslt" + std::to_string(library()->GetVersion());
  return name.c_str();
}

}  // namespace r1::cuda
