// NVIDIA's management library for one GPU.
#include <stdint.h>
#include <string.h>

static int gpu;

int nvmlInit_v2(void) { return R1_INIT; }
int nvmlSystemGetDriverVersion(char *version, uint32_t length) {
  strncpy(version, "580.95.05", length);
  return 0;
}
int nvmlDeviceGetHandleByUUID(const char *uuid, void **device) {
  *device = &gpu;
  return strcmp(uuid, "GPU-1") == 0 ? 0 : 6;
}
int nvmlDeviceGetUtilizationRates(void *device, uint32_t *rates) {
  rates[0] = 37;
  rates[1] = 99;
  return device == &gpu ? 0 : 1;
}
