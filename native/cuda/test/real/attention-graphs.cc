// Validates cuDNN's graphs of attention for architectures of which none is here. Prints one line of JSON for each: what cuDNN says, empty where
// it accepts the graph.
//
// @param argv[1] cuDNN's library
#define NV_CUDNN_FRONTEND_USE_DYNAMIC_LOADING
#include "../../attention-graphs.h"

#include <dlfcn.h>

#include <cstdio>

namespace cudnn_frontend {
void* cudnn_dlhandle = nullptr;
}

using namespace r1::cuda;

namespace {

void say(const Architecture& on, const AttentionSizes& of) {
  auto forward = attentionGraph(of, on)->validate(), backward = attentionGradientGraph(of, on)->validate();
  std::printf("{\"architecture\": %d, \"heads\": \"%ld × %ld/%ld of %ld\", \"forward\": \"%s\", \"backward\": \"%s\"}\n", on.version, long(of.sequences),
              long(of.heads), long(of.kvHeads), long(of.headDim), forward.get_message().c_str(), backward.get_message().c_str());
}

}  // namespace

int main(int, char** argv) {
  fe::cudnn_dlhandle = dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL);
  if (fe::cudnn_dlhandle == nullptr) return std::fprintf(stderr, "%s\n", dlerror()), 1;
  for (const Architecture& on : {Architecture{80, 108}, {86, 84}, {89, 128}, {90, 132}, {100, 148}, {120, 188}}) {
    // Heads of Qwen2.5, Qwen3 and Llama, some that are small, and some that cuDNN has no attention for.
    for (const AttentionSizes& of : {AttentionSizes{8, 256, 14, 2, 64}, {8, 1024, 16, 8, 128}, {1, 4096, 12, 12, 64}, {4, 128, 32, 8, 96}, {2, 128, 4, 2, 16},
                                     {8, 128, 4, 4, 20}}) say(on, of);
  }
}
