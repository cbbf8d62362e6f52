import { isUtf8 } from 'node:buffer';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, posix, resolve } from 'node:path';
import type { R1Pipeline } from '../../operator/api/resources/pipeline.ts';
import type { Volume } from '../../operator/api/resources/scheduling.ts';
import { type Path, problemAt, type ValueProblem } from '../../operator/api/check/value-problem.ts';
import { digestOf } from '../../operator/core/names.ts';
import type { ConfigMap } from '../../operator/kube/client/resources.ts';
import type { OwnVerifierSettings } from '../../trainer/contract/settings/own-functions.ts';
import type { RewardSettings } from '../../trainer/contract/settings/rewards.ts';
import { beginsAsParquet } from '../../trainer/contract/files/parquet-magic.ts';

/** A ConfigMap takes 1 MiB with everything around the files. */
const largestBytes = 900 << 10;
const mostVolumes = 16;
const volumePath = /^[A-Za-z0-9_-][A-Za-z0-9_.-]*(\/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*$/;
const tooLarge = `a claim that holds them, as at most ${inKib(largestBytes)} come along with a manifest`;

/** Files that lie beside a manifest and on none of its volumes, by their paths in it. */
export interface LocalFiles {
  readonly files: ReadonlyMap<string, Buffer>;
  readonly problems: readonly ValueProblem[];
}

/**
 * The files that a pipeline names by relative paths, data, chat templates and rewards, as far as no volume of its own holds them: a pod has them
 * only if they come with the manifest.
 */
export async function gatherLocalFiles({ spec }: R1Pipeline, manifestFile: string): Promise<LocalFiles> {
  const files = new Map<string, Buffer>();
  const problems: ValueProblem[] = [];
  for (const { path, file, expected } of [...dataFiles(spec), ...templateFiles(spec), ...rewardFiles(spec)]) {
    if (!isMissing(file, spec.volumes)) continue;
    const normal = posix.normalize(file);
    if (!volumePath.test(normal)) {
      problems.push(problemAt(path, JSON.stringify(file), 'a path below the manifest of letters, digits, _, . and -'));
      continue;
    }
    const found = await readFileOf(resolve(dirname(manifestFile), file), expected);
    if (found.bytes === undefined) {
      problems.push(problemAt(path, `${found.instead}, and ${file} on no volume of spec.volumes`, found.expected));
    } else {
      files.set(normal, found.bytes);
    }
  }
  for (const { path, directory } of modelDirectories(spec)) {
    if (!isMissing(directory, spec.volumes)) continue;
    problems.push(problemAt(path, `${directory} on no volume of spec.volumes`, 'a claim there that holds the model'));
  }
  const bytes = [...files.values()].reduce((sum, { length }) => sum + length, 0);
  if (bytes > largestBytes) {
    const found = `files of ${inKib(bytes)} on none of them (${[...files.keys()].join(', ')})`;
    problems.push(problemAt(['spec', 'volumes'], found, tooLarge));
  }
  if (files.size > 0 && spec.volumes.length + files.size > mostVolumes) {
    const found = `${files.size} files on none of ${spec.volumes.length}`;
    problems.push(problemAt(['spec', 'volumes'], found, `a claim or ConfigMap that holds them; ${mostVolumes} may be`));
  }
  return { files, problems };
}

/** What brings files to the pods of a pipeline: a ConfigMap that is named after them, and a volume for each. */
export function carryFiles(
  pipeline: string,
  namespace: string,
  files: ReadonlyMap<string, Buffer>,
): { readonly configMap: ConfigMap & { metadata: { name: string; namespace: string } }; readonly volumes: Volume[] } {
  const contents = [...files].map(([path, bytes]) => [path, bytes.toString('base64')] as const);
  const name = `${pipeline}-files-${digestOf(Object.fromEntries(contents)).slice(0, 10)}`;
  const keyed = [...files].map(([path, bytes], index) => ({ path, bytes, key: `${index}-${basename(path)}` }));
  const [binary, text] = [
    keyed.filter(({ bytes }) => beginsAsParquet(bytes)),
    keyed.filter(({ bytes }) => !beginsAsParquet(bytes)),
  ];
  return {
    configMap: {
      metadata: { name, namespace },
      immutable: true,
      data: Object.fromEntries(text.map(({ key, bytes }) => [key, bytes.toString('utf8')])),
      ...(binary.length > 0 && {
        binaryData: Object.fromEntries(binary.map(({ key, bytes }) => [key, bytes.toString('base64')])),
      }),
    },
    volumes: keyed.map(({ path, key }) => ({ path, configMap: name, subPath: key })),
  };
}

function isMissing(path: string, volumes: readonly Volume[]): boolean {
  if (posix.isAbsolute(path)) return false; // in the image
  const normal = posix.normalize(path);
  return !volumes.some((volume) => normal === volume.path || normal.startsWith(`${volume.path}/`));
}

interface NamedFile {
  readonly path: Path;
  readonly file: string;
  readonly expected: string;
}

function dataFiles({ datasets }: R1Pipeline['spec']): NamedFile[] {
  const expected = 'a JSONL or Parquet file';
  return datasets.flatMap(({ file, heldOut }, index) => {
    const path = ['spec', 'datasets', index];
    return [
      ...(file === undefined ? [] : [{ path: [...path, 'file'], file, expected }]),
      ...(heldOut?.file === undefined ? [] : [{ path: [...path, 'heldOut', 'file'], file: heldOut.file, expected }]),
    ];
  });
}

function templateFiles({ defaults, stages }: R1Pipeline['spec']): NamedFile[] {
  const named = [
    { path: ['spec', 'defaults'], chat: defaults.chat },
    ...stages.map(({ chat }, index) => ({ path: ['spec', 'stages', index], chat })),
  ];
  return named.flatMap(({ path, chat }) =>
    chat?.templateFile === undefined
      ? []
      : [{ path: [...path, 'chat', 'templateFile'], file: chat.templateFile, expected: 'a chat template' }],
  );
}

function rewardFiles({ stages, datasets }: R1Pipeline['spec']): NamedFile[] {
  const rewards = stages.flatMap(({ grpo }, at) =>
    (grpo?.rewards ?? []).flatMap((reward, index) => ownFile(reward, ['spec', 'stages', at, 'grpo', 'rewards', index])),
  );
  const verifiers = datasets.flatMap(({ answer }, index) =>
    ownFile(answer?.verifier ?? {}, ['spec', 'datasets', index, 'answer', 'verifier']),
  );
  return [...rewards, ...verifiers];
}

function ownFile(
  { module, python }: Pick<RewardSettings, 'module' | 'python'> | OwnVerifierSettings,
  path: Path,
): NamedFile[] {
  return [
    ...(module
      ? [{ path: [...path, 'module', 'file'], file: module.file, expected: 'a TypeScript or JavaScript file' }]
      : []),
    ...(python ? [{ path: [...path, 'python', 'file'], file: python.file, expected: 'a Python file' }] : []),
  ];
}

function modelDirectories({ base, stages }: R1Pipeline['spec']): { path: Path; directory: string }[] {
  const models = stages.map(({ model }, index) => ({ path: ['spec', 'stages', index, 'model', 'path'], model }));
  return [{ path: ['spec', 'base', 'path'], model: base }, ...models].flatMap(({ path, model }) =>
    model?.path === undefined ? [] : [{ path, directory: model.path }],
  );
}

type FoundFile =
  | { readonly bytes: Buffer }
  | { readonly bytes?: undefined; readonly instead: string; readonly expected: string };

async function readFileOf(file: string, expected: string): Promise<FoundFile> {
  let bytes: Buffer;
  try {
    const { size } = await stat(file);
    if (size > largestBytes) return { instead: `${inKib(size)} at ${file}`, expected: tooLarge };
    bytes = await readFile(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const instead = code === 'ENOENT' ? `nothing at ${file}` : message;
    return { instead, expected: `${expected} at one of these places` };
  }
  if (beginsAsParquet(bytes) || isUtf8(bytes)) return { bytes };
  return { instead: `bytes that are no UTF-8 text at ${file}`, expected };
}

function inKib(bytes: number): string {
  return `${Math.ceil(bytes / 1024)} KiB`;
}
