#include "op.h"

#include <stdexcept>

#include "../kernels/kernels.h"

namespace r1 {
namespace {

std::string show(const Dims& dims) {
  std::string text = "[";
  for (size_t i = 0; i < dims.size(); i++) text += (i ? ", " : "") + std::to_string(dims[i]);
  return text + "]";
}

}  // namespace

void Input::expectRank(size_t rank) const {
  if (dims.size() == rank) return;
  throw std::invalid_argument(std::string("input ") + name + ": found shape " + show(dims) + ", expected " +
                              std::to_string(rank) + " dimensions");
}

void Input::expect(const Dims& expected) const {
  if (dims == expected) return;
  throw std::invalid_argument(std::string("input ") + name + ": found shape " + show(dims) + ", expected " +
                              show(expected));
}

void Input::expectBelow(int64_t limit) const {
  if (!tensorsAreReadable()) return;
  const int64_t* found = integers();
  for (int64_t i = 0; i < elements(); i++) {
    if (found[i] >= 0 && found[i] < limit) continue;
    throw std::invalid_argument(std::string("input ") + name + ": found " + std::to_string(found[i]) +
                                ", expected 0 to " + std::to_string(limit - 1));
  }
}

int64_t Input::elements() const {
  int64_t product = 1;
  for (int64_t size : dims) product *= size;
  return product;
}

bool Call::has(size_t index) const {
  size_t count = 0;
  check(api_.KernelContext_GetInputCount(context_, &count));
  if (index >= count) return false;
  const OrtValue* value = nullptr;
  check(api_.KernelContext_GetInput(context_, index, &value));
  return value != nullptr;
}

Input Call::input(size_t index) const {
  const OrtValue* value = nullptr;
  check(api_.KernelContext_GetInput(context_, index, &value));
  const char* name = op_.inputs.at(index).name;
  if (value == nullptr) throw std::invalid_argument(std::string("input ") + name + " is missing");
  ONNXTensorElementDataType type;
  const int64_t* sizes = nullptr;
  size_t rank = 0;
  check(api_.GetTensorElementTypeAndShapeDataReference(value, &type, &sizes, &rank));
  void* data = nullptr;
  check(api_.GetTensorMutableData(const_cast<OrtValue*>(value), &data));
  return {name, data, Dims(sizes, sizes + rank)};
}

const float* Call::optionalFloats(size_t index, const Dims& dims) const {
  if (!has(index)) return nullptr;
  const Input found = input(index);
  found.expect(dims);
  return found.floats();
}

void* Call::outputMemory(size_t index, const Dims& dims) const {
  OrtValue* value = nullptr;
  check(api_.KernelContext_GetOutput(context_, index, dims.data(), dims.size(), &value));
  void* data = nullptr;
  if (value != nullptr) check(api_.GetTensorMutableData(value, &data));
  return data;
}

void* Call::changedMemory(size_t index, const Input& from, size_t elementBytes) const {
  void* to = outputMemory(index, from.dims);
  if (to != from.data) copyBytes(to, from.data, elementBytes * from.elements());
  return to;
}

float* Call::sum(size_t index, size_t onto, const Dims& dims) const {
  if (has(onto)) {
    const Input begun = input(onto);
    begun.expect(dims);
    return changed(index, begun);
  }
  int64_t elements = 1;
  for (int64_t size : dims) elements *= size;
  float* zeros = output(index, dims);
  clearBytes(zeros, sizeof(float) * elements);
  return zeros;
}

void Call::check(OrtStatus* status) const {
  if (status == nullptr) return;
  std::string message = api_.GetErrorMessage(status);
  api_.ReleaseStatus(status);
  throw std::runtime_error(message);
}

}  // namespace r1
