import { readdirSync, readFileSync } from 'node:fs';

const everyMs = 50;

/** Watches the resident memory of a process and all its descendants. Linux: reads /proc. */
export class MemorySampler {
  peakBytes = 0;
  /** When a sample was taken, in ms since the first, and what it found. */
  readonly samples: { readonly ms: number; readonly bytes: number }[] = [];
  private readonly pid: number;
  private readonly startedMs = performance.now();
  private readonly timer: NodeJS.Timeout;

  constructor(pid: number, intervalMs = everyMs) {
    this.pid = pid;
    this.timer = setInterval(() => this.sample(), intervalMs);
    this.timer.unref();
  }

  /** A process's own high-water mark misses no peak between two samples; only the sum over processes can. */
  private sample(): void {
    const tree = processTree(this.pid).map(residentBytes);
    const now = tree.reduce((sum, { current }) => sum + current, 0);
    this.peakBytes = Math.max(this.peakBytes, now, ...tree.map(({ peak }) => peak));
    this.samples.push({ ms: performance.now() - this.startedMs, bytes: now });
  }

  stop(): void {
    this.sample();
    clearInterval(this.timer);
  }
}

function processTree(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(processTree)];
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return []; // ended meanwhile
  }
}

function residentBytes(pid: number): { current: number; peak: number } {
  try {
    return parseStatus(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return { current: 0, peak: 0 }; // ended meanwhile
  }
}

/** Resident memory and its high-water mark, in bytes, from the text of `/proc/PID/status`. */
export function parseStatus(status: string): { current: number; peak: number } {
  const kibibytes = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0);
  return { current: kibibytes('VmRSS') * 1024, peak: kibibytes('VmHWM') * 1024 };
}
