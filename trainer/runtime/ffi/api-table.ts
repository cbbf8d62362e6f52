/**
 * Places of the functions that are called in `struct OrtApi` of onnxruntime_c_api.h, counted from 0, and their parameters. The struct only
 * ever grows at its end. Every one of them answers with a status, null where all is well, but those of `plain`.
 */

/** Of the API: that of ONNX Runtime 1.23. */
export const version = 23;

export const functions = {
  CreateEnv: [3, 'int, const char *, _Out_ void **'],
  CreateSessionFromArray: [8, 'void *, const void *, size_t, void *, _Out_ void **'],
  CreateSessionOptions: [10, '_Out_ void **'],
  DisableMemPattern: [17, 'void *'],
  DisableCpuMemArena: [19, 'void *'],
  SetSessionLogSeverityLevel: [22, 'void *, int'],
  SetSessionGraphOptimizationLevel: [23, 'void *, int'],
  SetIntraOpNumThreads: [24, 'void *, int'],
  SetInterOpNumThreads: [25, 'void *, int'],
  CreateRunOptions: [39, '_Out_ void **'],
  RunOptionsSetTerminate: [46, 'void *'],
  CreateTensorWithDataAsOrtValue: [49, 'void *, void *, size_t, const int64_t *, size_t, int, _Out_ void **'],
  CreateMemoryInfo: [68, 'const char *, int, int, int, _Out_ void **'],
  CreateCpuMemoryInfo: [69, 'int, int, _Out_ void **'],
  AllocatorAlloc: [75, 'void *, size_t, _Out_ void **'],
  AllocatorFree: [76, 'void *, void *'],
  GetAllocatorWithDefaultOptions: [78, '_Out_ void **'],
  AddSessionConfigEntry: [130, 'void *, const char *, const char *'],
  RunWithBinding: [133, 'void *, void *, void *'],
  CreateIoBinding: [134, 'void *, _Out_ void **'],
  BindInput: [136, 'void *, const char *, void *'],
  BindOutput: [137, 'void *, const char *, void *'],
  AddRunConfigEntry: [165, 'void *, const char *, const char *'],
  SessionOptionsAppendExecutionProvider_CUDA_V2: [204, 'void *, void *'],
  CreateCUDAProviderOptions: [205, '_Out_ void **'],
  UpdateCUDAProviderOptions: [206, 'void *, const char **, const char **, size_t'],
  RegisterExecutionProviderLibrary: [301, 'void *, const char *, const char *'],
  GetEpDevices: [303, 'void *, _Out_ void **, _Out_ size_t *'],
  SessionOptionsAppendExecutionProvider_V2: [
    304,
    'void *, void *, void **, size_t, const char **, const char **, size_t',
  ],
} as const;

export const plain = {
  GetErrorMessage: [2, 'const char *', 'void *'],
  ReleaseStatus: [93, 'void', 'void *'],
  ReleaseSession: [95, 'void', 'void *'],
  ReleaseValue: [96, 'void', 'void *'],
  ReleaseSessionOptions: [100, 'void', 'void *'],
  ReleaseIoBinding: [135, 'void', 'void *'],
  ReleaseCUDAProviderOptions: [208, 'void', 'void *'],
  EpDevice_EpName: [312, 'const char *', 'void *'],
} as const;
