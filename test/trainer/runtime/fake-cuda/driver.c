// A library with the functions of NVIDIA's driver that are asked before anything is computed. What it answers is compiled in.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int cuInit(uint32_t flags) { (void)flags; return R1_INIT; }
int cuGetErrorString(int error, const char **text) {
  *text = error == 100 ? "no CUDA-capable device is detected" : NULL;
  return *text == NULL ? 1 : 0;
}
int cuDriverGetVersion(int *version) { *version = R1_CUDA; return 0; }
int cuDeviceGetCount(int *count) { *count = R1_GPUS; return 0; }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal + 7; return 0; }
int cuDeviceGetName(char *name, int size, int device) {
  (void)device;
  strncpy(name, "Fake GPU", (size_t)size);
  return 0;
}
int cuDeviceGetAttribute(int *value, int attribute, int device) {
  *value = attribute == 75 ? device : attribute == 76 ? 5 : -1;
  return 0;
}
int cuDeviceGetUuid_v2(uint8_t *uuid, int device) {
  for (int byte = 0; byte < 16; byte++) uuid[byte] = (uint8_t)(16 * byte + device);
  return 0;
}
int cuDeviceTotalMem_v2(size_t *bytes, int device) { *bytes = ((size_t)80 << 30) + (size_t)device; return 0; }
