// Entry of the library: makes its ops known to the sessions of ONNX Runtime.

#include <exception>
#include <list>
#include <string>

#include "../kernels/kernels.h"
#include "ops.h"

namespace r1 {
namespace {

const OrtApi* api = nullptr;

/// An Op as the struct of callbacks that ONNX Runtime asks. What it calls a kernel has no state: it is the op itself.
struct CustomOp : OrtCustomOp {
  const Op& op;

  explicit CustomOp(const Op& described) : OrtCustomOp{}, op(described) {
    version = ORT_API_VERSION;
    GetName = [](const OrtCustomOp* self) { return of(self).name; };
    GetExecutionProviderType = [](const OrtCustomOp*) -> const char* {
      return tensorsAreReadable() ? "CPUExecutionProvider" : "CUDAExecutionProvider";
    };
    GetInputTypeCount = [](const OrtCustomOp* self) { return of(self).inputs.size(); };
    GetOutputTypeCount = [](const OrtCustomOp* self) { return of(self).outputs.size(); };
    GetInputType = [](const OrtCustomOp* self, size_t index) { return of(self).inputs[index].type; };
    GetOutputType = [](const OrtCustomOp* self, size_t index) { return of(self).outputs[index].type; };
    GetInputCharacteristic = [](const OrtCustomOp* self, size_t index) {
      return of(self).inputs[index].optional ? INPUT_OUTPUT_OPTIONAL : INPUT_OUTPUT_REQUIRED;
    };
    GetOutputCharacteristic = [](const OrtCustomOp* self, size_t index) {
      return of(self).outputs[index].optional ? INPUT_OUTPUT_OPTIONAL : INPUT_OUTPUT_REQUIRED;
    };
    GetInputMemoryType = [](const OrtCustomOp*, size_t) { return OrtMemTypeDefault; };
    GetVariadicInputMinArity = [](const OrtCustomOp*) { return 0; };
    GetVariadicInputHomogeneity = [](const OrtCustomOp*) { return 0; };
    GetVariadicOutputMinArity = [](const OrtCustomOp*) { return 0; };
    GetVariadicOutputHomogeneity = [](const OrtCustomOp*) { return 0; };
    GetStartVersion = [](const OrtCustomOp*) { return 1; };
    GetEndVersion = [](const OrtCustomOp*) { return 1; };
    CreateKernelV2 = [](const OrtCustomOp* self, const OrtApi*, const OrtKernelInfo*, void** kernel) -> OrtStatus* {
      *kernel = const_cast<Op*>(&of(self));
      return nullptr;
    };
    KernelComputeV2 = [](void* kernel, OrtKernelContext* context) -> OrtStatus* {
      const Op& op = *static_cast<const Op*>(kernel);
      try {
        if (!tensorsAreReadable()) {
          void* stream = nullptr;
          if (OrtStatus* status = api->KernelContext_GetGPUComputeStream(context, &stream)) return status;
          runOn(stream);
        }
        op.run(Call(op, *api, context));
        return nullptr;
      } catch (const std::exception& error) {
        return api->CreateStatus(ORT_FAIL, (std::string(op.name) + ": " + error.what()).c_str());
      }
    };
    KernelDestroy = [](void*) {};
  }

  static const Op& of(const OrtCustomOp* self) { return static_cast<const CustomOp*>(self)->op; }
};

std::list<const Op*>& addedOps() {
  static std::list<const Op*> ops;
  return ops;
}

/// The domain with all ops. It lives as long as the process: sessions refer to it.
OrtCustomOpDomain* domain() {
  static OrtCustomOpDomain* made = [] {
    OrtCustomOpDomain* created = nullptr;
    static std::list<CustomOp> customOps;
    if (OrtStatus* status = api->CreateCustomOpDomain("r1.ops", &created)) api->ReleaseStatus(status);
    std::list<const Op*> ops = addedOps();
    ops.insert(ops.end(),
         {&adamwOp, &addRowsOp, &attentionOp, &attentionGradientOp, &cachedAttentionOp, &cachedAttentionBf16Op, &decodeLayerOp, &decodeLayerBf16Op, &linearOp, &linearBf16Op,
          &linearPackedOp, &linearPackedBf16Op, &linearPanelsOp, &linearPanelsBf16Op, &linearInputGradientOp, &linearInputGradientBf16Op, &linearWeightGradientOp, &linearWeightGradientBf16Op,
          &normalizedRotaryOp, &rmsNormOp, &rmsNormInputGradientOp, &rmsNormWeightGradientOp, &rotaryOp,
          &rotaryGradientOp, &roundBf16Op, &sumOfSquaresOp, &swiGluOp, &swiGluGradientOp});
    for (const Op* op : ops) {
      customOps.emplace_back(*op);
      if (OrtStatus* status = api->CustomOpDomain_Add(created, &customOps.back())) api->ReleaseStatus(status);
    }
    return created;
  }();
  return made;
}

}  // namespace

bool addOps(std::initializer_list<const Op*> ops) {
  addedOps().insert(addedOps().end(), ops);
  return true;
}

}  // namespace r1

#define R1_EXPORT extern "C" __attribute__((visibility("default")))

R1_EXPORT OrtStatus* ORT_API_CALL RegisterCustomOps(OrtSessionOptions* options, const OrtApiBase* base) {
  static const OrtApi* const found = base->GetApi(ORT_API_VERSION);
  if (found == nullptr) return base->GetApi(1)->CreateStatus(ORT_FAIL, "r1.ops: ONNX Runtime is too old for the library");
  r1::api = found;
  return found->AddCustomOpDomain(options, r1::domain());
}

/// What the bits of the kernels depend on: the sources that they were compiled from, and the instruction set they use here.
R1_EXPORT const char* R1OpsVersion() {
  static const std::string version = std::string(R1_SOURCES) + " " + r1::instructionSet();
  return version.c_str();
}
