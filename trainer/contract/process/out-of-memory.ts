/**
 * Whether an error says that memory ran out where the process can still speak: a buffer that could not be had, a
 * worker thread at its limit, an allocation inside ONNX Runtime.
 */
export function isOutOfMemory(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOMEM' || code === 'ERR_WORKER_OUT_OF_MEMORY') return true;
  return /bad_alloc|bad allocation|allocat\w+ (memory|failed)|out of memory|memory limit/i.test(message);
}
