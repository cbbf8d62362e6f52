// Memory of the caller's that is to lie in large pages.

#include <cstddef>
#include <cstdint>

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

/// Less may hold none, and lies among other things.
[[maybe_unused]] constexpr size_t fewBytes = 4 << 20;

/// Asks for large pages, where the system has them for those who ask: a hint, whose refusal changes nothing.
extern "C" __attribute__((visibility("default"))) void R1PreferHugePages(void* memory, size_t bytes) {
#if defined(__linux__)
  if (bytes < fewBytes) return;
  const uintptr_t page = uintptr_t(sysconf(_SC_PAGESIZE));
  const uintptr_t start = (uintptr_t(memory) + page - 1) / page * page, end = (uintptr_t(memory) + bytes) / page * page;
  madvise(reinterpret_cast<void*>(start), end - start, MADV_HUGEPAGE);
#else
  (void)memory, (void)bytes;
#endif
}
