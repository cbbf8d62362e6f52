// Causal grouped-query attention over whole sequences as graphs for cuDNN, in bfloat16 with sums in float32: what a model's training passes
// compute where nothing is shared between sequences. A graph is validated without a GPU; its plan is made on one.
#pragma once

#include <cudnn_frontend.h>

#include <cmath>
#include <memory>

namespace r1::cuda {

namespace fe = cudnn_frontend;

enum class SequenceForm {
  packed,  ///< tokens of one sequence behind those of the other, which offsets tell apart
  padded,  ///< [sequences, length], padded on the right: no query before the padding sees it, and cotangents of padding are zeros
};

struct FlashAttention {
  SequenceForm form;
  int64_t sequences, length;  ///< of the longest
  int64_t heads, kvHeads, headDim;
};

struct Architecture {
  int version;  ///< such as 90
  int multiprocessors;
};

/// The packed form where its gradient has the same bits each time: not on Ampere, Ada, and Blackwell without tensor memory.
inline SequenceForm deterministicForm(int architecture) {
  const int family = architecture / 10;
  return family == 9 || family == 10 ? SequenceForm::packed : SequenceForm::padded;
}

/// Numbers of the tensors: what a run of a graph binds.
enum class FlashTensor : int64_t {
  q = 1,  ///< [tokens, heads, headDim]
  k,      ///< [tokens, kvHeads, headDim]
  v,
  out,
  logSums,  ///< ln Σ exp(score), float32 [sequences, heads, length, 1] in either form
  outCotangent,
  qCotangent,
  kCotangent,
  vCotangent,
  offsets,    ///< packed: of each sequence's first element of q, and of the last one's end, int64 [sequences + 1]
  kvOffsets,  ///< packed: the same of k
  lengths,    ///< packed: int32 [sequences]
};

/// A graph with the tensors that both passes have.
class FlashGraph {
 public:
  FlashGraph(const FlashAttention& of, const Architecture& on) : of_(of), graph_(std::make_shared<fe::graph::Graph>()) {
    graph_->set_io_data_type(fe::DataType_t::BFLOAT16).set_intermediate_data_type(fe::DataType_t::FLOAT).set_compute_data_type(fe::DataType_t::FLOAT);
    graph_->set_sm_version(on.version).set_sm_count(on.multiprocessors);
    if (of.form == SequenceForm::padded) return;
    offsets_ = numbers(FlashTensor::offsets, of.sequences + 1, fe::DataType_t::INT64);
    kvOffsets_ = numbers(FlashTensor::kvOffsets, of.sequences + 1, fe::DataType_t::INT64);
    lengths_ = numbers(FlashTensor::lengths, of.sequences, fe::DataType_t::INT32);
  }

  std::shared_ptr<fe::graph::Graph> graph() const { return graph_; }

  using Tensor = std::shared_ptr<fe::graph::Tensor_attributes>;

  Tensor queryHeads(FlashTensor number) const { return describedAs(heads(number, of_.heads), offsets_); }
  Tensor keyHeads(FlashTensor number) const { return describedAs(heads(number, of_.kvHeads), kvOffsets_); }
  Tensor logSums() const { return graph_->tensor(logSumsOf(fe::graph::Tensor_attributes())); }

  void isQueryHeads(const Tensor& result, FlashTensor number) const { isResult(result, number, of_.heads, offsets_); }
  void isKeyHeads(const Tensor& result, FlashTensor number) const { isResult(result, number, of_.kvHeads, kvOffsets_); }
  void isLogSums(const Tensor& result) const { logSumsOf(*result).set_output(true); }

  template <class Options>
  Options with(Options options) const {
    options.set_causal_mask(true).set_attn_scale(1 / std::sqrt(float(of_.headDim)));
    if (lengths_) options.set_padding_mask(true).set_seq_len_q(lengths_).set_seq_len_kv(lengths_);
    return options;
  }

 private:
  Tensor numbers(FlashTensor number, int64_t count, fe::DataType_t type) const {
    return graph_->tensor(fe::graph::Tensor_attributes().set_uid(int64_t(number)).set_dim({count, 1, 1, 1}).set_stride({1, 1, 1, 1}).set_data_type(type));
  }
  /// [sequences, heads, length, headDim], of which a token's heads lie side by side.
  template <class Attributes>
  Attributes& shaped(Attributes& it, FlashTensor number, int64_t heads) const {
    it.set_uid(int64_t(number)).set_dim({of_.sequences, heads, of_.length, of_.headDim});
    return it.set_stride({of_.length * heads * of_.headDim, of_.headDim, heads * of_.headDim, 1});
  }
  Tensor heads(FlashTensor number, int64_t count) const {
    fe::graph::Tensor_attributes it;
    return graph_->tensor(shaped(it, number, count));
  }
  static Tensor describedAs(const Tensor& it, const Tensor& offsets) {
    if (offsets) it->set_ragged_offset(offsets);
    return it;
  }
  void isResult(const Tensor& result, FlashTensor number, int64_t heads, const Tensor& offsets) const {
    shaped(*result, number, heads).set_output(true);
    describedAs(result, offsets);
  }
  template <class Attributes>
  Attributes& logSumsOf(Attributes&& it) const {
    it.set_uid(int64_t(FlashTensor::logSums)).set_data_type(fe::DataType_t::FLOAT);
    return it.set_dim({of_.sequences, of_.heads, of_.length, 1}).set_stride({of_.heads * of_.length, of_.length, 1, 1});
  }

  FlashAttention of_;
  std::shared_ptr<fe::graph::Graph> graph_;
  Tensor offsets_, kvOffsets_, lengths_;
};

/// softmax(q·kᵀ / √headDim)·v over the keys that a query sees, and the logarithms of its sums.
inline std::shared_ptr<fe::graph::Graph> flashAttention(const FlashAttention& of, const Architecture& on) {
  const FlashGraph graph(of, on);
  const auto options = graph.with(fe::graph::SDPA_attributes().set_name("attention").set_generate_stats(true));
  const auto [out, logSums] = graph.graph()->sdpa(graph.queryHeads(FlashTensor::q), graph.keyHeads(FlashTensor::k), graph.keyHeads(FlashTensor::v), options);
  graph.isQueryHeads(out, FlashTensor::out);
  graph.isLogSums(logSums);
  return graph.graph();
}

/// Gradients of it, with the same bits each time.
inline std::shared_ptr<fe::graph::Graph> flashAttentionGradient(const FlashAttention& of, const Architecture& on) {
  const FlashGraph graph(of, on);
  const auto options = graph.with(fe::graph::SDPA_backward_attributes().set_name("gradient").set_deterministic_algorithm(true));
  const auto q = graph.queryHeads(FlashTensor::q), k = graph.keyHeads(FlashTensor::k), v = graph.keyHeads(FlashTensor::v);
  const auto out = graph.queryHeads(FlashTensor::out), g = graph.queryHeads(FlashTensor::outCotangent);
  const auto [dq, dk, dv] = graph.graph()->sdpa_backward(q, k, v, out, g, graph.logSums(), options);
  graph.isQueryHeads(dq, FlashTensor::qCotangent);
  graph.isKeyHeads(dk, FlashTensor::kCotangent);
  graph.isKeyHeads(dv, FlashTensor::vCotangent);
  return graph.graph();
}

}  // namespace r1::cuda
