// The kernels of linear layers in ../kernels/kernels.h: by cuBLASLt where it is there, else by kernels of our own.
#include "kernels/linear.h"

#include "../kernels/kernels.h"
#include "../kernels/scratch.h"
#include "kernels/copies.h"
#include "linear-by-library.h"

namespace r1 {

using namespace cuda;

namespace {

/// Rows of a matrix [rows, width], and its columns as rows.
template <bool isRounded = false, class Element>
Strided<Element, isRounded> rowsOf(const Element* x, int64_t width) {
  return {x, width, 1};
}
template <bool isRounded = false, class Element>
Strided<Element, isRounded> columnsOf(const Element* x, int64_t width) {
  return {x, 1, width};
}

/// The library wants rows: a device asks for no panels, so they are only kept right.
template <class Element, class Panels>
bool multiplyUnpacked(const float* x, const Panels& panels, const float* c, float* y, const LinearSizes& sizes) {
  if (*libraryOfProducts() == 0) return false;
  const auto [m, n, k] = sizes;
  Element* w = scratch<Element>(Scratch::wideWeights, n * k);
  forEach(n * k, writeRows<Panels, Element>, panels, w, n, k);
  return multiplyByLibrary(LinearProduct::output, sizeof(Element) == 2, w, x, c, y, sizes);
}

}  // namespace

void linear(const float* x, const float* w, const float* c, float* y, int64_t m, int64_t n, int64_t k) {
  if (multiplyByLibrary(LinearProduct::output, false, w, x, c, y, {m, n, k})) return;
  multiply(rowsOf(x, k), rowsOf(w, k), c, y, m, n, k);
}
void linearBf16(const float* x, const uint16_t* w, const float* c, float* y, int64_t m, int64_t n, int64_t k) {
  if (multiplyByLibrary(LinearProduct::output, true, w, x, c, y, {m, n, k})) return;
  multiply(rowsOf<true>(x, k), rowsOf(w, k), c, y, m, n, k);
}
void linearPanels(const float* w, float* panels, int64_t n, int64_t k) {
  forEach(n * k, packPanels<float, 16, 1>, w, panels, n, k);
}
void linearPacked(const float* x, const float* panels, const float* c, float* y, int64_t m, int64_t n, int64_t k) {
  const FloatPanels w{panels, k};
  if (!multiplyUnpacked<float>(x, w, c, y, {m, n, k})) multiply(rowsOf(x, k), w, c, y, m, n, k);
}
void linearPanelsBf16(const uint16_t* w, uint16_t* panels, int64_t n, int64_t k) {
  forEach(n * k, packPanels<uint16_t, 32, 2>, w, panels, n, k);
}
void linearPackedBf16(const float* x, const uint16_t* panels, const float* c, float* y, int64_t m, int64_t n, int64_t k) {
  const HalfPanels w{panels, k};
  if (!multiplyUnpacked<uint16_t>(x, w, c, y, {m, n, k})) multiply(rowsOf<true>(x, k), w, c, y, m, n, k);
}
void linearInputGradient(const float* g, const float* w, const float* c, float* dx, int64_t m, int64_t n, int64_t k) {
  if (multiplyByLibrary(LinearProduct::inputGradient, false, w, g, c, dx, {m, n, k})) return;
  multiply(rowsOf(g, n), columnsOf(w, k), c, dx, m, k, n);
}
void linearInputGradientBf16(const float* g, const uint16_t* w, const float* c, float* dx, int64_t m, int64_t n, int64_t k) {
  if (multiplyByLibrary(LinearProduct::inputGradient, true, w, g, c, dx, {m, n, k})) return;
  multiply(rowsOf<true>(g, n), columnsOf(w, k), c, dx, m, k, n);
}
void linearWeightGradient(const float* g, const float* x, float* dw, int64_t m, int64_t n, int64_t k) {
  if (multiplyByLibrary(LinearProduct::weightGradient, false, x, g, dw, dw, {m, n, k})) return;
  multiply(columnsOf(g, n), columnsOf(x, k), dw, dw, n, k, m);
}
void linearWeightGradientBf16(const float* g, const float* x, float* dw, int64_t m, int64_t n, int64_t k) {
  if (multiplyByLibrary(LinearProduct::weightGradient, true, x, g, dw, dw, {m, n, k})) return;
  multiply(columnsOf<true>(g, n), columnsOf<true>(x, k), dw, dw, n, k, m);
}

}  // namespace r1
