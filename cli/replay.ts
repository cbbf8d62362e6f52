import type { Stats } from 'node:fs';
import { cp, lstat, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import type { Chain, Link } from '../trainer/checkpoint/chain/chain.ts';
import { describePlan, faultsOfReplay, planReplay, replayFile } from '../trainer/checkpoint/chain/replay.ts';
import { placeFiles } from '../trainer/checkpoint/chain/place-files.ts';
import { readManifest } from '../trainer/checkpoint/manifest.ts';
import { toldName } from '../trainer/contract/files/checkpoint.ts';
import { InterruptedError, UserError } from '../trainer/contract/process/errors.ts';
import { readJsonObject } from '../trainer/contract/files/input-file.ts';
import { type StageFile, stageFile } from '../trainer/contract/settings/stage-file.ts';
import { cliExitCodes } from './exit-codes.ts';
import { runTrainer } from './trainer-process.ts';

const mostFileBytes = 2 ** 24;

interface ReplayOptions {
  readonly steps: number;
  readonly stage?: string | undefined;
  /** Files from outside by their SHA-256, in the place of those that the stage read. */
  readonly materials: ReadonlyMap<string, string>;
}

/**
 * Computes the last steps of a stage again, in a directory of its own, and compares every file of its checkpoint.
 *
 * @param say called with what is computed, and with what came of it
 * @returns what came out otherwise, a line each
 * @throws UserError if the stage cannot be run here
 */
export async function replay(
  { links }: Chain,
  { steps, stage, materials }: ReplayOptions,
  say: (text: string) => void,
): Promise<string[]> {
  const plan = planReplay(links, steps, stage);
  const told = await toldTo(plan.expected);
  const folder = await mkdtemp(join(tmpdir(), 'r1-replay-'));
  try {
    const out = join(folder, plan.stage);
    await mkdir(out);
    if (plan.from) await cp(plan.from.path, join(out, basename(plan.from.path)), { recursive: true });
    const path = join(folder, 'stage.json');
    const placed = await placeFiles(told, plan.decided, { materials, folder });
    const { expected } = plan;
    await writeFile(path, JSON.stringify(replayFile(placed, { expected, links: links.map(absolute), out })));
    say(`computing again: ${describePlan(plan)}`);
    await runAgain(path, plan.stage);
    const { manifest } = await readManifest(join(out, basename(plan.expected.path)));
    const faults = faultsOfReplay(plan.expected, manifest);
    if (faults.length === 0) say(`computed again: ${describePlan(plan)}: every file is the same, bit for bit`);
    return faults;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function absolute(link: Link): Link {
  return { ...link, path: resolve(link.path) };
}

async function runAgain(path: string, stage: string): Promise<void> {
  const code = await runTrainer(['run', `--stage=${path}`], { stdout: 'ignore' });
  if (code === cliExitCodes.interrupted) throw new InterruptedError('interrupted; nothing was changed');
  if (code !== cliExitCodes.ok) throw new UserError(`stage ${stage} did not run again to its end (exit code ${code})`);
}

/** What the newest attempt of a stage was told, as its trainer has left it beside what came of it. */
async function toldTo({ path: checkpoint }: Link): Promise<StageFile> {
  const path = join(dirname(checkpoint), toldName);
  const file = await lstat(path).catch((): Stats | undefined => undefined);
  if (!file?.isFile()) {
    const found = file === undefined ? 'no such file' : 'no regular file';
    throw new UserError(
      `${path}: found ${found}, expected what the stage was told, which a trainer keeps beside its checkpoints`,
    );
  }
  const parsed = stageFile.safeParse(await readJsonObject(path, mostFileBytes));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UserError(`${path}: ${issue?.path.join('.')}: ${issue?.message}; expected a stage file of this version`);
}
