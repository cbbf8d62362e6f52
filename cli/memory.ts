import { readFile } from 'node:fs/promises';

const intervalMs = 1000;

/**
 * Watches the resident memory of this process and all below it, by Linux's /proc. Each process counts with its own
 * highest value so far, so that a short peak between two looks is seen.
 */
export function watchMemory(): {
  /** Bytes; undefined where there is no /proc. */ stop(): Promise<number | undefined>;
} {
  let peak = 0;
  const look = async (): Promise<void> => {
    peak = Math.max(peak, await residentBytes(process.pid));
  };
  const timer = setInterval(() => void look(), intervalMs).unref(); // a run that throws must not wait for it
  return {
    async stop() {
      clearInterval(timer);
      await look();
      return peak > 0 ? peak : undefined;
    },
  };
}

async function residentBytes(pid: number): Promise<number> {
  const [status, children] = await Promise.all([
    readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''),
    readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => ''),
  ]);
  const own = Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
  const below = await Promise.all(
    children
      .split(' ')
      .filter(Boolean)
      .map((child) => residentBytes(Number(child))),
  );
  return below.reduce((sum, bytes) => sum + bytes, own);
}
