// Validates cuDNN's graphs of attention for architectures of which none is here. Prints one line of JSON for each: what cuDNN says, empty where
// it accepts the graph.
//
// @param argv[1] cuDNN's library
#define NV_CUDNN_FRONTEND_USE_DYNAMIC_LOADING
#include "../../flash-attention.h"

#include <dlfcn.h>

#include <cstdio>

namespace cudnn_frontend {
void* cudnn_dlhandle = nullptr;
}

using namespace r1::cuda;

namespace {

struct Heads {
  int64_t queries, keys, dim;
};

void say(const Architecture& on, const FlashAttention& of) {
  auto forward = flashAttention(of, on)->validate(), backward = flashAttentionGradient(of, on)->validate();
  const bool isPacked = of.form == SequenceForm::packed, isTaken = of.form == deterministicForm(on.version);
  std::printf("{\"architecture\": %d, \"form\": \"%s\", \"isTaken\": %s, \"heads\": \"%ld/%ld of %ld\", \"forward\": \"%s\", \"backward\": \"%s\"}\n",
              on.version, isPacked ? "packed" : "padded", isTaken ? "true" : "false", long(of.heads), long(of.kvHeads), long(of.headDim),
              forward.get_message().c_str(), backward.get_message().c_str());
}

}  // namespace

int main(int, char** argv) {
  fe::cudnn_dlhandle = dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL);
  if (fe::cudnn_dlhandle == nullptr) return std::fprintf(stderr, "%s\n", dlerror()), 1;
  for (const Architecture& on : {Architecture{80, 108}, {86, 84}, {89, 128}, {90, 132}, {100, 148}, {120, 188}}) {
    for (const SequenceForm form : {SequenceForm::packed, SequenceForm::padded}) {
      for (const auto& [queries, keys, dim] : {Heads{14, 2, 64}, {16, 8, 128}, {12, 12, 64}, {32, 8, 96}}) say(on, {form, 8, 200, queries, keys, dim});
    }
  }
}
