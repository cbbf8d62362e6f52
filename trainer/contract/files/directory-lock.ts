import { randomUUID } from 'node:crypto';
import { mkdir, open, readlink, readFile, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { AnotherWriterError, InterruptedError } from '../process/errors.ts';
import { findProcess } from '../process/process-table.ts';

/** Between two signs of life of a holder. */
const beatMs = 3000;
/** So many looks in a row, as far apart as its signs of life, that find none: the holder is gone. */
const missedBeats = 10;

/** While two processes get in each other's way. */
const retryMs = 20;

const holderSchema = z.object({
  id: z.string(),
  pid: z.number(),
  /** In a pod the pod's name. */
  host: z.string(),
  /** Equal for processes that see each other in the table of processes. */
  processes: z.string(),
  startTime: z.string(),
  since: z.string(),
});
type Holder = z.infer<typeof holderSchema>;

const holderName = 'holder.json';

/** A lock as it was found. */
interface Seen {
  readonly text: string;
  /** By the clock of the file server, and compared with itself alone. */
  readonly beatAt: number;
}

/** Whoever may write in a directory. */
export interface Writer {
  /** @throws AnotherWriterError once another process may, and this one no more */
  check(): Promise<void>;
}

export interface DirectoryLock extends Writer {
  release(): Promise<void>;
}

/** For a directory that no other process knows. */
export const soleWriter: Writer = { check: async () => undefined };

interface LockOptions {
  /** Told once when there is something to wait for. */
  readonly onWait?: (message: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Makes this process the only one that writes in a directory, by a lock in it that works on shared file systems, too:
 *
 *   <lock>.<id>.partial/holder.json ─ renamed ─► <lock>/holder.json, touched every 3 seconds
 *
 * A directory can be renamed to the name of another one only where that is empty: so one of many succeeds, and whoever
 * sees the lock sees who holds it. The lock of a process of this machine that is gone is taken over at once. That of a process
 * that cannot be seen from here is taken over once it has given no sign of life for ten looks in a row, half a minute: no two
 * clocks are compared, and a file server that does not answer for a while makes one look longer.
 *
 * A holder that was taken for gone may only have been stopped for a while: it must `check` before all that it makes public.
 *
 * @throws AnotherWriterError when another process holds it and goes on, InterruptedError
 */
export async function lockDirectory(path: string, options: LockOptions = {}): Promise<DirectoryLock> {
  const own = await thisProcess();
  const text = JSON.stringify(own);
  while (!(await place(path, text))) {
    const found = await look(path);
    if (found !== undefined) await awaitEnd(path, found, own, options);
    else await sleep(retryMs);
  }
  return new HeldLock(path, own, text);
}

/** The process that holds a lock, in words, if it still runs as far as can be told from here. */
export async function lockHolder(path: string): Promise<string | undefined> {
  const seen = await look(path);
  if (seen === undefined) return undefined;
  const holder = parse(seen.text);
  if (holder === undefined) return undefined;
  const own = await thisProcess();
  if (holder.processes === own.processes) return (await isGone(holder, own)) ? undefined : `process ${holder.pid}`;
  // Two clocks, where nothing hangs on it.
  return Date.now() - seen.beatAt > missedBeats * beatMs ? undefined : `process ${holder.pid} on ${holder.host}`;
}

class HeldLock implements DirectoryLock {
  private readonly path: string;
  private readonly own: Holder;
  private readonly text: string;
  private timer: NodeJS.Timeout;
  private beating: Promise<void> = Promise.resolve();

  constructor(path: string, own: Holder, text: string) {
    this.path = path;
    this.own = own;
    this.text = text;
    this.timer = this.beatLater();
  }

  async check(): Promise<void> {
    const seen = await look(this.path);
    if (seen?.text === this.text) return;
    const holder = seen && parse(seen.text);
    const by = holder === undefined ? 'its lock is gone' : `${inWords(holder)} has it`;
    throw new AnotherWriterError(
      `${this.path}: taken by this process at ${this.own.since}, but now ${by}: this process ends and writes nothing more`,
    );
  }

  async release(): Promise<void> {
    clearTimeout(this.timer);
    await this.beating;
    clearTimeout(this.timer);
    const seen = await look(this.path);
    if (seen?.text === this.text) await remove(this.path, seen);
  }

  private beatLater(): NodeJS.Timeout {
    return setTimeout(() => {
      this.beating = this.beat().then(() => {
        this.timer = this.beatLater();
      });
    }, beatMs).unref();
  }

  private async beat(): Promise<void> {
    try {
      await using file = await open(join(this.path, holderName), 'r+');
      const now = new Date();
      if ((await file.readFile('utf8')) === this.text) await file.utimes(now, now);
    } catch {
      // The next one may succeed. Whether the lock is still there is asked by `check`.
    }
  }
}

/** Waits until a lock has changed hands or was given up, and removes that of a process that is gone. */
async function awaitEnd(path: string, found: Seen, own: Holder, { onWait, signal }: LockOptions): Promise<void> {
  const holder = parse(found.text);
  if (holder === undefined) return remove(path, found); // no process of ours has written it
  if (await isGone(holder, own)) return remove(path, found);
  if (holder.processes === own.processes) throw inUse(path, holder);
  onWait?.(`${path}: held by ${inWords(holder)}; waiting up to ${(missedBeats * beatMs) / 1000} s for a sign of life`);
  for (let missed = 0; missed < missedBeats; missed++) {
    await sleep(beatMs, undefined, signal && { signal }).catch((cause: unknown) => {
      throw new InterruptedError('asked to stop; nothing was begun', { cause });
    });
    const seen = await look(path);
    if (seen?.text !== found.text) return;
    if (seen.beatAt !== found.beatAt) throw inUse(path, holder);
  }
  return remove(path, found);
}

/** It ran where this process would see it, and does not run any more. */
async function isGone({ pid, processes, startTime }: Holder, own: Holder): Promise<boolean> {
  return processes === own.processes && (await findProcess(pid))?.startTime !== startTime;
}

function inUse(path: string, holder: Holder): AnotherWriterError {
  return new AnotherWriterError(`${path}: held by ${inWords(holder)}, which goes on; wait for it or end it`);
}

function inWords({ pid, host, since }: Holder): string {
  return `process ${pid} on ${host} since ${since}`;
}

/** @returns whether this process holds the lock now */
async function place(path: string, text: string): Promise<boolean> {
  const mine = aside(path);
  await mkdir(mine);
  try {
    await write(join(mine, holderName), text);
    await rename(mine, path);
    return true;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    // Gone: removed by the holder as what a crash has left; or renamed, and the file server's answer to that was lost.
    if (code === 'ENOENT') return (await look(path))?.text === text;
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(mine, { recursive: true, force: true });
  }
}

async function write(path: string, text: string): Promise<void> {
  await using file = await open(path, 'wx');
  await file.writeFile(text);
  await file.sync(); // a crash of the machine must not leave a lock that says nothing
}

/** Opened each time: over NFS that alone asks the server what the file is by now. */
async function look(path: string): Promise<Seen | undefined> {
  try {
    await using file = await open(join(path, holderName), 'r');
    const { mtimeMs } = await file.stat();
    return { text: await file.readFile('utf8'), beatAt: mtimeMs };
  } catch (error) {
    if (['ENOENT', 'ESTALE'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/**
 * Two may find the same lock of one that is gone. Only the one that moves away exactly what it has seen may go on; the
 * other puts a fresh lock back, as it does that of a holder that gave a sign of life in the last moment.
 */
async function remove(path: string, seen: Seen): Promise<void> {
  const moved = aside(path);
  try {
    await rename(path, moved);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const found = await look(moved);
  const isOther = found !== undefined && (found.text !== seen.text || found.beatAt !== seen.beatAt);
  if (isOther) await rename(moved, path).catch(() => undefined); // somebody else may have taken it meanwhile
  await rm(moved, { recursive: true, force: true }).catch(() => undefined); // another user's: it is no lock any more
}

function aside(path: string): string {
  return `${path}.${randomUUID()}.partial`;
}

function parse(text: string): Holder | undefined {
  try {
    return holderSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

async function thisProcess(): Promise<Holder> {
  const { pid } = process;
  const { startTime = '' } = (await findProcess(pid)) ?? {};
  const since = new Date().toISOString();
  return { id: randomUUID(), pid, host: hostname(), processes: await tableOfProcesses(), startTime, since };
}

/** Two containers of one machine have tables of their own, and each has a process 1. */
async function tableOfProcesses(): Promise<string> {
  if (process.platform !== 'linux') return hostname();
  const [boot, namespace] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    readlink('/proc/self/ns/pid'),
  ]);
  return `${boot.trim()} ${namespace}`;
}
