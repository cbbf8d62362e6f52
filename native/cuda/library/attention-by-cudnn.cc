// The library of ../attention-library.h by cuDNN, for `npm run build:cuda`. The process has loaded cuDNN and CUDA's runtime before: they are
// found by their names. A thread has a handle and plans of its own, on the GPU that is its own when it first asks.
#define NV_CUDNN_FRONTEND_USE_DYNAMIC_LOADING
#include <dlfcn.h>

#include <exception>
#include <map>
#include <stdexcept>
#include <string>
#include <tuple>
#include <unordered_map>

#include "../attention-graphs.h"

namespace cudnn_frontend {
void* cudnn_dlhandle = dlopen("libcudnn.so.9", RTLD_NOW | RTLD_LOCAL);
}

namespace r1::cuda {

namespace {

void check(fe::error_t error) {
  if (error.is_bad()) throw std::runtime_error("cuDNN: " + error.get_message());
}
void check(cudnnStatus_t status) {
  if (status != CUDNN_STATUS_SUCCESS) throw std::runtime_error(std::string("cuDNN: ") + fe::detail::get_error_string(status));
}

struct Plan {
  std::shared_ptr<fe::graph::Graph> graph;
  int64_t workspaceBytes = 0;
};

/// It lives as long as the process: when a thread ends its GPU may be gone.
class Plans {
 public:
  Plans() { check(fe::detail::create_handle(&handle_)); }

  const Plan& of(const AttentionSizes& sizes, bool isGradient) {
    Plan& plan = plans_[std::tuple(isGradient, sizes.sequences, sizes.length, sizes.heads, sizes.kvHeads, sizes.headDim)];
    if (plan.graph == nullptr) plan = made(isGradient ? attentionGradientGraph(sizes) : attentionGraph(sizes));
    return plan;
  }

  void run(const Plan& plan, const AttentionTensors& x, void* workspace, void* stream) {
    check(fe::detail::set_stream(handle_, static_cast<cudaStream_t>(stream)));
    std::unordered_map<int64_t, void*> tensors;
    const auto bind = [&](GraphTensor number, const void* tensor) {
      if (tensor != nullptr) tensors[int64_t(number)] = const_cast<void*>(tensor);
    };
    bind(GraphTensor::q, x.q), bind(GraphTensor::k, x.k), bind(GraphTensor::v, x.v);
    bind(GraphTensor::out, x.out), bind(GraphTensor::logSums, x.logSums), bind(GraphTensor::outCotangent, x.outCotangent);
    bind(GraphTensor::qCotangent, x.qCotangent), bind(GraphTensor::kCotangent, x.kCotangent), bind(GraphTensor::vCotangent, x.vCotangent);
    check(plan.graph->execute(handle_, tensors, workspace));
  }

 private:
  Plan made(std::shared_ptr<fe::graph::Graph> graph) const {
    check(graph->build(handle_, {fe::HeurMode_t::A}));
    Plan plan{graph};
    check(graph->get_workspace_size(plan.workspaceBytes));
    return plan;
  }

  cudnnHandle_t handle_ = nullptr;
  std::map<std::tuple<bool, int64_t, int64_t, int64_t, int64_t, int64_t>, Plan> plans_;
};

Plans& plans() {
  if (fe::cudnn_dlhandle == nullptr) throw std::runtime_error("found no libcudnn.so.9");
  static thread_local Plans* const ofThread = new Plans;
  return *ofThread;
}

/// What an act throws; null where it ends well.
template <class Act>
const char* saying(Act act) {
  static thread_local std::string message;
  try {
    act();
    return nullptr;
  } catch (const std::exception& error) {
    message = error.what();
    return message.c_str();
  }
}

}  // namespace

}  // namespace r1::cuda

using namespace r1::cuda;

#define R1_EXPORT extern "C" __attribute__((visibility("default")))

R1_EXPORT const char* R1AttentionVersion() {
  static const std::string version = fe::cudnn_dlhandle == nullptr ? "cudnn0" : "cudnn" + std::to_string(fe::detail::get_backend_version());
  return version.c_str();
}

R1_EXPORT const char* R1AttentionPlan(const AttentionSizes* sizes, bool isGradient, uint64_t* workspaceBytes) {
  return saying([&] { *workspaceBytes = uint64_t(plans().of(*sizes, isGradient).workspaceBytes); });
}

R1_EXPORT const char* R1AttentionRun(const AttentionSizes* sizes, bool isGradient, const AttentionTensors* tensors, void* workspace, void* stream) {
  return saying([&] { plans().run(plans().of(*sizes, isGradient), *tensors, workspace, stream); });
}
