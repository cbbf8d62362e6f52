// What an op is to ONNX Runtime, without its C++ headers: tensors of one call, checked, and a function that computes.
#pragma once

#include <onnxruntime_c_api.h>

#include <cstdint>
#include <string>
#include <vector>

namespace r1 {

using Dims = std::vector<int64_t>;

/// An input of one call.
struct Input {
  const char* name;
  const void* data;
  Dims dims;

  const float* floats() const { return static_cast<const float*>(data); }
  const uint16_t* halves() const { return static_cast<const uint16_t*>(data); }
  const double* doubles() const { return static_cast<const double*>(data); }
  const int64_t* integers() const { return static_cast<const int64_t*>(data); }

  /// Throws std::invalid_argument, naming the input, unless there are `rank` dimensions.
  void expectRank(size_t rank) const;
  /// Throws std::invalid_argument, naming the input, unless the dimensions are these.
  void expect(const Dims& expected) const;
  /// Throws std::invalid_argument, naming the input, unless all its integers are 0 … limit − 1. Those on a device are not looked at.
  void expectBelow(int64_t limit) const;
  int64_t elements() const;
};

/// One run of a kernel.
class Call {
 public:
  Call(const struct Op& op, const OrtApi& api, OrtKernelContext* context) : op_(op), api_(api), context_(context) {}

  /// Whether an optional input is there.
  bool has(size_t index) const;
  Input input(size_t index) const;
  /// The floats of an optional input of this shape, or null.
  const float* optionalFloats(size_t index, const Dims& dims) const;
  /// Memory of an output, which takes this shape.
  template <class T = float>
  T* output(size_t index, const Dims& dims) const {
    return static_cast<T*>(outputMemory(index, dims));
  }
  /// Memory of an output that begins as a copy of an input; nothing is copied where they lie in the same memory.
  template <class T = float>
  T* changed(size_t output, const Input& from) const {
    return static_cast<T*>(changedMemory(output, from, sizeof(T)));
  }
  /// Memory of an output of this shape that sums are added to: it begins as the optional input `onto`, or as zeros.
  float* sum(size_t output, size_t onto, const Dims& dims) const;

 private:
  void* outputMemory(size_t index, const Dims& dims) const;
  void* changedMemory(size_t index, const Input& from, size_t elementBytes) const;
  void check(OrtStatus* status) const;

  const struct Op& op_;
  const OrtApi& api_;
  OrtKernelContext* context_;
};

struct Port {
  const char* name;
  ONNXTensorElementDataType type;
  bool optional = false;
};

/// A kernel. Whatever `run` throws becomes an error of the program that carries the op's name.
struct Op {
  const char* name;
  std::vector<Port> inputs;
  std::vector<Port> outputs;
  void (*run)(const Call& call);
};

constexpr auto f32 = ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
constexpr auto bf16 = ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16;
constexpr auto f64 = ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE;
constexpr auto i32 = ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32;
constexpr auto i64 = ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64;

}  // namespace r1
