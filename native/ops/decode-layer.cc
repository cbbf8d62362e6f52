#include <algorithm>
#include <stdexcept>
#include <utility>

#include "../kernels/scratch.h"
#include "linear-weights.h"
#include "ops.h"

namespace r1 {
namespace {

/// A linear map of the layer.
template <class Weights>
struct Map {
  Weights weights;
  const float* bias;

  Map(const Call& call, size_t weight, size_t bias, int64_t inputs)
      : weights(call.input(weight), inputs), bias(call.optionalFloats(bias, {weights.outputs})) {}

  /// Throws std::invalid_argument, naming the input, unless the weights have so many rows.
  void expectOutputs(int64_t expected) const {
    if (weights.outputs == expected) return;
    throw std::invalid_argument(std::string("input ") + weights.given.name + ": found " + std::to_string(weights.outputs) +
                                " outputs, expected " + std::to_string(expected));
  }

  /// The bias is added last, as the op of its own does where there is no such kernel.
  void apply(const float* x, const float* residual, float* y, int64_t m) const {
    weights.multiply(x, residual, y, m);
    if (bias) addBias(y, bias, m, weights.outputs);
  }
};

/// Where each input stands. Weights, biases and norms of heads are in the order of the layer; those of which it has none are missing.
enum : size_t { X, Positions, Table, Keys, Values, Cos, Sin, Epsilon, FirstNorm, SecondNorm };
enum : size_t { Q = SecondNorm + 1, K, V, O, Gate, Up, Down };
enum : size_t { QBias = Down + 1, KBias, VBias, OBias, GateBias, UpBias, DownBias };
enum : size_t { QNorm = DownBias + 1, KNorm };

/// Queries or keys [m, heads·headDim] in place: QK-norm, where there is one, and RoPE.
struct Rotation {
  const int64_t* positions;
  const float *cos, *sin;
  const float* epsilon;
  int64_t headDim;

  /// @param r room for m · heads numbers
  void apply(float* x, const float* norm, float* r, int64_t m, int64_t heads) const {
    if (norm) normalizedRotary(x, norm, epsilon, positions, cos, sin, x, r, m, heads, headDim);
    else rotary(x, positions, cos, sin, 1, x, m, heads, headDim);
  }
};

template <class Weights, class CacheElement, auto attend>
void runDecodeLayer(const Call& call) {
  const Input x = call.input(X), positions = call.input(Positions), table = call.input(Table);
  const Input keys = call.input(Keys), values = call.input(Values);
  const Input cos = call.input(Cos), sin = call.input(Sin), epsilon = call.input(Epsilon);
  const Input firstNorm = call.input(FirstNorm), secondNorm = call.input(SecondNorm);
  x.expectRank(2);
  table.expectRank(2);
  cos.expectRank(2);
  const int64_t m = x.dims[0], d = x.dims[1], columns = table.dims[1], headDim = 2 * cos.dims[1];
  positions.expect({m, 1});
  positions.expectBelow(std::min(cos.dims[0], columns * cacheBlock));
  table.expect({m, columns});
  if (headDim == 0) cos.expect({cos.dims[0], 1});
  sin.expect(cos.dims);
  epsilon.expect({});
  firstNorm.expect({d});
  secondNorm.expect({d});

  const Map<Weights> q(call, Q, QBias, d), k(call, K, KBias, d), v(call, V, VBias, d);
  const int64_t queries = q.weights.outputs, heads = queries / headDim, kvHeads = k.weights.outputs / headDim;
  q.expectOutputs(std::max<int64_t>(heads, 1) * headDim);
  k.expectOutputs(kvHeads > 0 && heads % kvHeads == 0 ? kvHeads * headDim : headDim);
  v.expectOutputs(kvHeads * headDim);
  const Map<Weights> o(call, O, OBias, queries), gate(call, Gate, GateBias, d), up(call, Up, UpBias, d);
  o.expectOutputs(d);
  const int64_t inner = gate.weights.outputs;
  up.expectOutputs(inner);
  const Map<Weights> down(call, Down, DownBias, inner);
  down.expectOutputs(d);
  const float *qNorm = call.optionalFloats(QNorm, {headDim}), *kNorm = call.optionalFloats(KNorm, {headDim});

  const CacheShape shape{m, heads, kvHeads, headDim, columns};
  values.expectRank(2);
  const int64_t lines = kvHeads * cacheBlock, blocks = values.dims[0] / lines;
  values.expect({blocks * lines, headDim});
  keys.expect({blocks * lines * headDim});
  table.expectBelow(blocks);

  float* y = call.output(0, x.dims);
  CacheElement* nextKeys = call.changed<CacheElement>(1, keys);
  CacheElement* nextValues = call.changed<CacheElement>(2, values);
  const int64_t ofKeys = kvHeads * headDim;
  float* free = scratch<float>(Scratch::layer, m * (d + 2 * queries + 2 * ofKeys + 2 * inner + heads));
  const auto take = [&](int64_t width) { return std::exchange(free, free + m * width); };
  float *h = take(d), *qs = take(queries), *ks = take(ofKeys), *vs = take(ofKeys), *attended = take(queries);
  float *gates = take(inner), *ups = take(inner), *r = take(heads);

  rmsNorm(x.floats(), firstNorm.floats(), epsilon.floats(), h, nullptr, m, d);
  q.apply(h, nullptr, qs, m);
  k.apply(h, nullptr, ks, m);
  v.apply(h, nullptr, vs, m);
  const Rotation rotation{positions.integers(), cos.floats(), sin.floats(), epsilon.floats(), headDim};
  rotation.apply(qs, qNorm, r, m, heads);
  rotation.apply(ks, kNorm, r, m, kvHeads);
  attend(shape, qs, ks, vs, positions.integers(), table.integers(), nextKeys, nextValues, attended);
  o.apply(attended, x.floats(), y, m);
  rmsNorm(y, secondNorm.floats(), epsilon.floats(), h, nullptr, m, d);
  gate.apply(h, nullptr, gates, m);
  up.apply(h, nullptr, ups, m);
  swiglu(gates, ups, gates, m * inner);
  down.apply(gates, y, y, m);
}

template <class Weights, class CacheElement, auto attend>
Op decodeLayer(const char* name) {
  constexpr auto type = Weights::type;
  return {
      name,
      {{"x", f32},          {"positions", i64},       {"table", i64},         {"keys", type},       {"values", type},
       {"cos", f32},        {"sin", f32},             {"epsilon", f32},       {"firstNorm", f32},   {"secondNorm", f32},
       {"q", type},         {"k", type},              {"v", type},            {"o", type},          {"gate", type},
       {"up", type},        {"down", type},           {"qBias", f32, true},   {"kBias", f32, true}, {"vBias", f32, true},
       {"oBias", f32, true}, {"gateBias", f32, true}, {"upBias", f32, true},  {"downBias", f32, true},
       {"qNorm", f32, true}, {"kNorm", f32, true}},
      {{"y", f32}, {"keys", type}, {"values", type}},
      runDecodeLayer<Weights, CacheElement, attend>,
  };
}

}  // namespace

/// A layer for one new token of each of m sequences, as in trainer/models/decode-program.ts: its kernels one after the other, and nothing of
/// ONNX Runtime in between. The cache that is put out may be the one that is read, which then changes in place.
const Op decodeLayerOp = decodeLayer<Float32Weights, float, cachedAttention>("DecodeLayer");

/// The same with weights and a cache in bfloat16
const Op decodeLayerBf16Op = decodeLayer<BFloat16Weights, uint16_t, cachedAttentionBf16>("DecodeLayerBf16");

}  // namespace r1
