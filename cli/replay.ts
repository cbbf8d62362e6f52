import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import type { Chain, Link } from '../trainer/checkpoint/chain/chain.ts';
import { describePlan, faultsOfReplay, planReplay, replayFile } from '../trainer/checkpoint/chain/replay.ts';
import { readManifest } from '../trainer/checkpoint/manifest.ts';
import { InterruptedError, UserError } from '../trainer/contract/process/errors.ts';
import { parseJsonObject, readInputText } from '../trainer/contract/files/input-file.ts';
import { type StageFile, stageFile } from '../trainer/contract/settings/stage-file.ts';
import { cliExitCodes } from './exit-codes.ts';
import { runTrainer } from './trainer-process.ts';

const mostFileBytes = 2 ** 24;

/**
 * Computes the last steps of a stage again, in a directory of its own, and compares every file of its checkpoint.
 *
 * @param directory the local state of a pipeline
 * @param say called with what is computed, and with what came of it
 * @returns what came out otherwise, a line each
 * @throws UserError if the stage cannot be run here
 */
export async function replay(
  directory: string,
  { links }: Chain,
  { steps, stage }: { readonly steps: number; readonly stage?: string | undefined },
  say: (text: string) => void,
): Promise<string[]> {
  const plan = planReplay(links, steps, stage);
  const told = await toldTo(directory, plan.stage);
  const folder = await mkdtemp(join(tmpdir(), 'r1-replay-'));
  try {
    const out = join(folder, plan.stage);
    await mkdir(out);
    if (plan.from) await cp(plan.from.path, join(out, basename(plan.from.path)), { recursive: true });
    const path = join(folder, 'stage.json');
    await writeFile(path, JSON.stringify(replayFile(told, links.map(absolute), out)));
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

/** What the newest attempt of a stage was told. */
async function toldTo(directory: string, stage: string): Promise<StageFile> {
  const files = join(directory, 'files');
  const prefix = `${stage}.attempt-`;
  const attempts = (await readdir(files).catch(() => []))
    .filter((name) => name.startsWith(prefix) && name.endsWith('.json'))
    .map((name) => Number.parseInt(name.slice(prefix.length), 10))
    .filter(Number.isInteger);
  const path = join(files, `${prefix}${Math.max(0, ...attempts)}.json`);
  const text = await readInputText(path, mostFileBytes);
  if (text === undefined) {
    throw new UserError(
      `${path}: found no such file; --replay needs the state of a run on one machine (${dirname(files)})`,
    );
  }
  const parsed = stageFile.safeParse(parseJsonObject(text, path));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UserError(`${path}: ${issue?.path.join('.')}: ${issue?.message}; expected a stage file of this version`);
}
