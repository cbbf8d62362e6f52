// What tests ask of the library that stands in for cuBLASLt, beside what it does as cuBLASLt.
#pragma once

struct FakeCublasLt {
  int asked = 0;       ///< how often for algorithms
  int multiplied = 0;  ///< products
  int algorithm = 0;   ///< of the last one
  int failsWith = 0;   ///< what products answer
};

extern "C" FakeCublasLt& fakeCublasLt();

/// Of the algorithms that it offers, in this order: one whose sums depend on the number of rows, one that takes no few rows, and one to be
/// taken. Weights with `withoutAlgorithm` inputs get only the first two; factors in bfloat16 with an odd number of elements a row, none.
constexpr int changesBits = 1, takesNoFewRows = 2, keepsBits = 3;
constexpr int withoutAlgorithm = 77;
