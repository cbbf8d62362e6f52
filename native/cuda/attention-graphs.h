// Attention of attention-library.h as graphs for cuDNN. A graph is validated without a GPU; its plan is made on one.
//
// Sequences are as long as each other: a shorter one is padded on the right, where no query before the padding sees it, and cotangents of the
// padding are zeros. That form has a deterministic gradient on every architecture. The one in which sequences lie behind each other has none
// on compute capability 8.x and 12.x, and would need the sequences' lengths on the device.
#pragma once

#include <cudnn_frontend.h>

#include <cmath>
#include <memory>
#include <optional>

#include "attention-library.h"

namespace r1::cuda {

namespace fe = cudnn_frontend;

/// Of a GPU that is not there.
struct Architecture {
  int version;  ///< such as 90
  int multiprocessors;
};

/// Numbers of the tensors: what a run of a graph binds. Shapes are those of AttentionTensors.
enum class GraphTensor : int64_t { q = 1, k, v, out, logSums, outCotangent, qCotangent, kCotangent, vCotangent };

/// A graph with the tensors that both passes have.
class AttentionGraph {
 public:
  AttentionGraph(const AttentionSizes& of, const std::optional<Architecture>& on) : of_(of), graph_(std::make_shared<fe::graph::Graph>()) {
    graph_->set_io_data_type(fe::DataType_t::BFLOAT16).set_intermediate_data_type(fe::DataType_t::FLOAT).set_compute_data_type(fe::DataType_t::FLOAT);
    if (on) graph_->set_sm_version(on->version).set_sm_count(on->multiprocessors);
  }

  std::shared_ptr<fe::graph::Graph> graph() const { return graph_; }

  using Tensor = std::shared_ptr<fe::graph::Tensor_attributes>;

  Tensor queryHeads(GraphTensor number) const { return heads(number, of_.heads); }
  Tensor keyHeads(GraphTensor number) const { return heads(number, of_.kvHeads); }
  Tensor logSums() const { return graph_->tensor(logSumsOf(fe::graph::Tensor_attributes())); }

  void isQueryHeads(const Tensor& result, GraphTensor number) const { shaped(*result, number, of_.heads).set_output(true); }
  void isKeyHeads(const Tensor& result, GraphTensor number) const { shaped(*result, number, of_.kvHeads).set_output(true); }
  void isLogSums(const Tensor& result) const { logSumsOf(*result).set_output(true); }

  template <class Options>
  Options with(Options options) const {
    return options.set_causal_mask(true).set_attn_scale(1 / std::sqrt(float(of_.headDim)));
  }

 private:
  /// [sequences, heads, length, headDim], of which a token's heads lie side by side.
  template <class Attributes>
  Attributes& shaped(Attributes& it, GraphTensor number, int64_t heads) const {
    it.set_uid(int64_t(number)).set_dim({of_.sequences, heads, of_.length, of_.headDim});
    return it.set_stride({of_.length * heads * of_.headDim, of_.headDim, heads * of_.headDim, 1});
  }
  Tensor heads(GraphTensor number, int64_t count) const {
    fe::graph::Tensor_attributes it;
    return graph_->tensor(shaped(it, number, count));
  }
  template <class Attributes>
  Attributes& logSumsOf(Attributes&& it) const {
    it.set_uid(int64_t(GraphTensor::logSums)).set_data_type(fe::DataType_t::FLOAT);
    return it.set_dim({of_.sequences, of_.heads, of_.length, 1}).set_stride({of_.heads * of_.length, of_.length, 1, 1});
  }

  AttentionSizes of_;
  std::shared_ptr<fe::graph::Graph> graph_;
};

/// softmax(q·kᵀ / √headDim)·v over the keys that a query sees, and the logarithms of its sums.
///
/// @param on nothing: the GPU of the thread that makes the plan
inline std::shared_ptr<fe::graph::Graph> attentionGraph(const AttentionSizes& of, const std::optional<Architecture>& on = {}) {
  const AttentionGraph graph(of, on);
  const auto options = graph.with(fe::graph::SDPA_attributes().set_name("attention").set_generate_stats(true));
  const auto [out, logSums] = graph.graph()->sdpa(graph.queryHeads(GraphTensor::q), graph.keyHeads(GraphTensor::k), graph.keyHeads(GraphTensor::v), options);
  graph.isQueryHeads(out, GraphTensor::out);
  graph.isLogSums(logSums);
  return graph.graph();
}

/// Gradients of it, with the same bits each time.
inline std::shared_ptr<fe::graph::Graph> attentionGradientGraph(const AttentionSizes& of, const std::optional<Architecture>& on = {}) {
  const AttentionGraph graph(of, on);
  const auto options = graph.with(fe::graph::SDPA_backward_attributes().set_name("gradient").set_deterministic_algorithm(true));
  const auto q = graph.queryHeads(GraphTensor::q), k = graph.keyHeads(GraphTensor::k), v = graph.keyHeads(GraphTensor::v);
  const auto out = graph.queryHeads(GraphTensor::out), g = graph.queryHeads(GraphTensor::outCotangent);
  const auto [dq, dk, dv] = graph.graph()->sdpa_backward(q, k, v, out, g, graph.logSums(), options);
  graph.isQueryHeads(dq, GraphTensor::qCotangent);
  graph.isKeyHeads(dk, GraphTensor::kCotangent);
  graph.isKeyHeads(dv, GraphTensor::vCotangent);
  return graph.graph();
}

}  // namespace r1::cuda
