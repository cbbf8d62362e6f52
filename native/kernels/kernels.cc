#include "kernels.h"

#include <cstring>

#include "table.h"

namespace r1 {

namespace {

struct Target {
  const char* name;
  const Table* table;
};

Target choose() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  // All that targets/avx512.cc may be compiled with (Makefile).
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    if (__builtin_cpu_supports("avx512bf16")) return {"avx512bf16", &avx512bf16::table};
    return {"avx512", &avx512::table};
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return {"avx2", &avx2::table};
#endif
  return {"generic", &generic::table};
}

const Target& target() {
  static const Target chosen = choose();
  return chosen;
}

}  // namespace

const char* instructionSet() { return target().name; }

bool tensorsAreReadable() { return true; }
void runOn(void*) {}
void copyBytes(void* to, const void* from, size_t count) { std::memcpy(to, from, count); }
void clearBytes(void* memory, size_t count) { std::memset(memory, 0, count); }

void linear(const float* x, const float* w, const float* c, float* y, int64_t m, int64_t n, int64_t k) {
  target().table->linear(x, w, c, y, m, n, k);
}
void linearBf16(const float* x, const uint16_t* w, const float* c, float* y, int64_t m, int64_t n, int64_t k) {
  target().table->linearBf16(x, w, c, y, m, n, k);
}
void linearPanels(const float* w, float* panels, int64_t n, int64_t k) { target().table->linearPanels(w, panels, n, k); }
void linearPacked(const float* x, const float* panels, const float* c, float* y, int64_t m, int64_t n, int64_t k) {
  target().table->linearPacked(x, panels, c, y, m, n, k);
}
void linearPanelsBf16(const uint16_t* w, uint16_t* panels, int64_t n, int64_t k) {
  target().table->linearPanelsBf16(w, panels, n, k);
}
void linearPackedBf16(const float* x, const uint16_t* panels, const float* c, float* y, int64_t m, int64_t n, int64_t k) {
  target().table->linearPackedBf16(x, panels, c, y, m, n, k);
}
void linearInputGradient(const float* g, const float* w, const float* c, float* dx, int64_t m, int64_t n, int64_t k) {
  target().table->linearInputGradient(g, w, c, dx, m, n, k);
}
void linearWeightGradient(const float* g, const float* x, float* dw, int64_t m, int64_t n, int64_t k) {
  target().table->linearWeightGradient(g, x, dw, m, n, k);
}
void linearInputGradientBf16(const float* g, const uint16_t* w, const float* c, float* dx, int64_t m, int64_t n,
                             int64_t k) {
  target().table->linearInputGradientBf16(g, w, c, dx, m, n, k);
}
void linearWeightGradientBf16(const float* g, const float* x, float* dw, int64_t m, int64_t n, int64_t k) {
  target().table->linearWeightGradientBf16(g, x, dw, m, n, k);
}
void attention(const AttentionShape& shape, const float* q, const float* k, const float* v, const int64_t* places,
               const int64_t* origins, float* out, float* lse) {
  target().table->attention(shape, q, k, v, places, origins, out, lse);
}
void attentionGradient(const AttentionShape& shape, const float* q, const float* k, const float* v,
                       const int64_t* places, const int64_t* origins, const float* out, const float* lse,
                       const float* g, float* dq, float* dk, float* dv) {
  target().table->attentionGradient(shape, q, k, v, places, origins, out, lse, g, dq, dk, dv);
}
void cachedAttention(const CacheShape& shape, const float* q, const float* k, const float* v, const int64_t* positions,
                     const int64_t* table, float* keys, float* values, float* out) {
  target().table->cachedAttention(shape, q, k, v, positions, table, keys, values, out);
}
void cachedAttentionBf16(const CacheShape& shape, const float* q, const float* k, const float* v, const int64_t* positions,
                         const int64_t* table, uint16_t* keys, uint16_t* values, float* out) {
  target().table->cachedAttentionBf16(shape, q, k, v, positions, table, keys, values, out);
}

void adamw(const AdamW* factors, float* parameters, float* m, float* v, const float* gradient, int64_t n) {
  target().table->adamw(factors, parameters, m, v, gradient, n);
}
void addRows(float* table, const int64_t* rows, const float* updates, int64_t n, int64_t d) {
  for (int64_t i = 0; i < n; i++) {
    float* row = table + rows[i] * d;
    for (int64_t j = 0; j < d; j++) row[j] += updates[i * d + j];
  }
}
void sumOfSquares(const float* x, double* sum, int64_t n) { target().table->sumOfSquares(x, sum, n); }
void rmsNorm(const float* x, const float* weight, const float* epsilon, float* y, float* r, int64_t m, int64_t d) {
  target().table->rmsNorm(x, weight, epsilon, y, r, m, d);
}
void rmsNormInputGradient(const float* g, const float* x, const float* weight, const float* r, const float* c, float* dx,
                          int64_t m, int64_t d) {
  target().table->rmsNormInputGradient(g, x, weight, r, c, dx, m, d);
}
void rmsNormWeightGradient(const float* g, const float* x, const float* r, float* dweight, int64_t m, int64_t d) {
  target().table->rmsNormWeightGradient(g, x, r, dweight, m, d);
}
void roundBf16(const float* x, float* y, int64_t n) { target().table->roundBf16(x, y, n); }
void swiglu(const float* gate, const float* up, float* y, int64_t n) { target().table->swiglu(gate, up, y, n); }
void swigluGradient(const float* gate, const float* up, const float* g, float* dgate, float* dup, int64_t n) {
  target().table->swigluGradient(gate, up, g, dgate, dup, n);
}
void rotary(const float* x, const int64_t* positions, const float* cos, const float* sin, float direction, float* y,
            int64_t m, int64_t heads, int64_t headDim) {
  target().table->rotary(x, positions, cos, sin, direction, y, m, heads, headDim);
}
void normalizedRotary(const float* x, const float* weight, const float* epsilon, const int64_t* positions, const float* cos,
                      const float* sin, float* y, float* r, int64_t m, int64_t heads, int64_t headDim) {
  target().table->normalizedRotary(x, weight, epsilon, positions, cos, sin, y, r, m, heads, headDim);
}
void addBias(float* y, const float* bias, int64_t m, int64_t n) { target().table->addBias(y, bias, m, n); }

}  // namespace r1
