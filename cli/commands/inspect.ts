import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { stringify } from 'yaml';
import { readManifest, verifyCheckpoint } from '../../trainer/checkpoint/manifest.ts';
import { readModelDirectory } from '../../trainer/checkpoint/model-directory.ts';
import { openWeightFiles } from '../../trainer/checkpoint/weight-files.ts';
import { checkpointManifestName } from '../../trainer/contract/files/checkpoint.ts';
import { UserError } from '../../trainer/contract/process/errors.ts';
import { resolveCheckpoint } from '../checkpoint-argument.ts';
import { cliExitCodes } from '../exit-codes.ts';
import { type StateOption, stateOption } from '../options.ts';
import { table } from '../table.ts';

interface InspectOptions extends StateOption {
  readonly output?: 'json' | 'yaml';
  readonly digest?: string;
  readonly tensors: boolean;
  readonly verify: boolean;
}

interface Tensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
}

interface Inspection {
  readonly path: string;
  readonly checkpoint?: {
    readonly step: number;
    readonly final: boolean;
    readonly digest: string;
    readonly parent?: { readonly stage: string; readonly digest: string };
    readonly settingsDigest: string;
    readonly engine: Readonly<Record<string, string>>;
    readonly files: number;
    readonly bytes: number;
  };
  readonly verification: string;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly parameters?: number;
  readonly tensors?: readonly Tensor[];
}

export function addInspect(program: Command): void {
  program
    .command('inspect')
    .description('show what a checkpoint holds and whether its files are those of its manifest')
    .argument('<checkpoint>', 'checkpoint or Hugging Face directory, or PIPELINE/STAGE')
    .addOption(new Option('-o, --output <format>', 'for machines').choices(['json', 'yaml']))
    .option('--digest <sha256>', 'digest that the checkpoint must have')
    .option('--no-tensors', 'leave out the list of tensors')
    .option('--no-verify', 'do not read the files to compare their digests')
    .addOption(stateOption())
    .action(async (argument: string, options: InspectOptions) => {
      const path = await resolveCheckpoint(argument, options.state);
      const { problem, ...inspection } = await inspect(path, options);
      process.stdout.write(show(inspection, options.output));
      if (problem !== undefined) process.exitCode = cliExitCodes.failed;
    });
}

async function inspect(path: string, options: InspectOptions): Promise<Inspection & { problem: string | undefined }> {
  const hasManifest = await isFile(join(path, checkpointManifestName));
  const hasModel = await isFile(join(path, 'config.json'));
  if (!hasManifest && !hasModel) {
    throw new UserError(`${path}: holds neither ${checkpointManifestName} nor config.json; expected a checkpoint`);
  }
  const problem = hasManifest && options.verify ? await problemOf(path, options.digest) : undefined;
  // What is known to be damaged is shown as far as it can be read.
  const reading = <T>(read: Promise<T>): Promise<T | undefined> =>
    problem === undefined ? read : unlessUserError(read);
  const checkpoint = hasManifest ? await reading(manifestOf(path)) : undefined;
  const config = hasModel ? await reading(configOf(path)) : undefined;
  const tensors = hasModel ? await reading(tensorsOf(path)) : undefined;
  return {
    path,
    ...(checkpoint && { checkpoint }),
    verification: problem ?? (!hasManifest ? 'has no manifest' : options.verify ? 'verified' : 'not asked for'),
    ...(config && { config }),
    ...(tensors && { parameters: tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0) }),
    ...(tensors && options.tensors && { tensors }),
    problem,
  };
}

async function unlessUserError<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

async function configOf(path: string): Promise<Record<string, unknown>> {
  return (await readModelDirectory(path)).config as Record<string, unknown>;
}

async function manifestOf(path: string): Promise<NonNullable<Inspection['checkpoint']>> {
  const { manifest, digest } = await readManifest(path);
  const { step, final, parent, settingsDigest, engine, files } = manifest;
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return { step, final, digest, ...(parent && { parent }), settingsDigest, engine, files: files.length, bytes };
}

/** What the verification complains about; undefined when every file is as the manifest says. */
async function problemOf(path: string, digest: string | undefined): Promise<string | undefined> {
  try {
    await verifyCheckpoint(path, digest);
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

async function tensorsOf(path: string): Promise<Tensor[]> {
  await using files = await openWeightFiles(path);
  return [...files.fileOf].map(([name, file]) => {
    const { dtype, shape } = file.tensors.get(name)!;
    return { name, dtype, shape };
  });
}

function show(inspection: Inspection, format: InspectOptions['output']): string {
  if (format === 'json') return `${JSON.stringify(inspection, undefined, 2)}\n`;
  if (format === 'yaml') return stringify(inspection);
  const { checkpoint, config, parameters, tensors } = inspection;
  const facts: [string, string | undefined][] = [
    ['Path', inspection.path],
    ['Verification', inspection.verification],
    ['Step', checkpoint && `${checkpoint.step}${checkpoint.final ? ' (final)' : ''}`],
    ['Digest', checkpoint?.digest],
    ['Parent', checkpoint?.parent && `${checkpoint.parent.stage} ${checkpoint.parent.digest}`],
    ['Settings', checkpoint?.settingsDigest],
    ['Files', checkpoint && `${checkpoint.files}, ${checkpoint.bytes.toLocaleString('en')} bytes`],
    ...Object.entries(checkpoint?.engine ?? {}).map(([name, version]): [string, string] => [name, version]),
    ['Parameters', parameters?.toLocaleString('en')],
  ];
  const known = facts.filter((fact): fact is [string, string] => fact[1] !== undefined);
  const width = Math.max(...known.map(([name]) => name.length));
  return [
    known.map(([name, value]) => `${`${name}:`.padEnd(width + 2)}${value}\n`).join(''),
    config && `\nConfig:\n${stringify(config).replaceAll(/^/gm, '  ').trimEnd()}\n`,
    tensors &&
      `\n${table(
        [{ title: 'TENSOR' }, { title: 'TYPE' }, { title: 'SHAPE' }],
        tensors.map(({ name, dtype, shape }) => [name, dtype, shape.join(' × ')]),
      )}\n`,
  ]
    .filter((part) => part !== undefined)
    .join('');
}

async function isFile(path: string): Promise<boolean> {
  return readFile(path).then(
    () => true,
    () => false,
  );
}
