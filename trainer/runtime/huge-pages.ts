import { loadKoffi } from './ffi/load-koffi.ts';

/** MADV_HUGEPAGE of Linux. */
const hugePage = 14;
/** Of x64, and of arm64 with pages of 4 KiB. */
const hugePageBytes = 2 * 1024 * 1024;

interface System {
  readonly addressOf: (memory: NodeJS.TypedArray) => number;
  readonly advise: (begin: number, bytes: number, advice: number) => number;
}

let opened: System | null | undefined;

/**
 * Asks Linux to back memory that nobody has touched yet with huge pages: whoever reads all weights for every token waits for the table of
 * pages, too. It is advice; where it cannot be given or is not taken, the memory is as it was.
 */
export function adviseHugePages(memory: NodeJS.TypedArray): void {
  if (process.platform !== 'linux' || memory.byteLength < 2 * hugePageBytes) return;
  if (opened === undefined) opened = open();
  if (opened === null) return;
  const address = opened.addressOf(memory);
  const begin = Math.ceil(address / hugePageBytes) * hugePageBytes;
  const end = Math.floor((address + memory.byteLength) / hugePageBytes) * hugePageBytes;
  opened.advise(begin, end - begin, hugePage);
}

/** Nothing on a platform that the package has no binary for. */
function open(): System | null {
  try {
    const koffi = loadKoffi();
    const advise = koffi.load(null).func('madvise', 'int', ['uintptr_t', 'size_t', 'int']) as System['advise'];
    return { addressOf: (memory) => Number(koffi.address(memory)), advise };
  } catch {
    return null;
  }
}
