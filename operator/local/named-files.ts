import { resolve } from 'node:path';
import { dataset, type DatasetSettings } from '../../trainer/contract/dataset.ts';
import type { FileCheck } from '../../trainer/contract/file-check.ts';
import { modelSourceShape } from '../../trainer/contract/model.ts';
import type { Path } from '../api/value-problem.ts';
import { datasetUses } from './dataset-uses.ts';
import { findInHubCache } from './hub-cache.ts';
import { type Json, list, object, text } from './lenient.ts';

/** The files and model directories that a pipeline names, with absolute paths. */
export interface NamedFiles {
  readonly files: readonly { readonly path: Path; readonly file: string }[];
  readonly directories: readonly { readonly path: Path; readonly directory: string }[];
  /** What is to be looked at inside of them; datasets and models without a fault in the manifest alone. */
  readonly check: FileCheck;
}

/**
 * What a spec names, as far as it can be known of one that has faults: they do not hide a missing file.
 *
 * @param folder that relative paths start at
 */
export function namedFiles(spec: unknown, folder: string): NamedFiles {
  const datasets = list(object(spec)['datasets']).map((value, index) => {
    const path = ['spec', 'datasets', index];
    const jsonl = text(object(value)['jsonl']);
    const heldOut = text(object(object(value)['heldOut'])['jsonl']);
    return {
      path,
      files: [
        { path: [...path, 'jsonl'], file: jsonl },
        { path: [...path, 'heldOut', 'jsonl'], file: heldOut },
      ].flatMap((named) => (named.file === undefined ? [] : [{ ...named, file: resolve(folder, named.file) }])),
      settings: dataset.safeParse(value).data,
    };
  });
  const models = namedModels(object(spec), folder);
  return {
    files: datasets.flatMap(({ files }) => files),
    directories: models.filter(({ path }) => path.at(-1) === 'path'),
    check: {
      datasets: datasets.flatMap(({ path, settings }) => {
        if (settings?.jsonl === undefined) return [];
        const uses = datasetUses(object(spec), settings, (stage) => modelOf(object(spec), stage, models));
        return [{ path, settings: withAbsolutePaths(settings, folder), uses }];
      }),
      models,
    },
  };
}

function withAbsolutePaths({ jsonl, heldOut, ...rest }: DatasetSettings, folder: string): DatasetSettings {
  const held = heldOut?.jsonl === undefined ? heldOut : { ...heldOut, jsonl: resolve(folder, heldOut.jsonl) };
  return { ...rest, ...(jsonl !== undefined && { jsonl: resolve(folder, jsonl) }), ...(held && { heldOut: held }) };
}

/** Directory of the model whose chat template a stage has: checkpoints keep that of the model that they began with. */
function modelOf(spec: Json, stage: number, models: FileCheck['models']): string | undefined {
  const all = list(spec['stages']).map(object);
  const chats = [object(spec['defaults']), all[stage] ?? {}].map(({ chat }) => object(chat));
  if (chats.some(({ template }) => template !== undefined)) return undefined; // the stage itself tries it on its rows
  const model = all[stage]?.['model'];
  const { from } = object(model);
  if (from !== undefined) {
    const earlier = all.findIndex((other, index) => index < stage && other['name'] === from);
    return earlier < 0 ? undefined : modelOf(spec, earlier, models);
  }
  const path = model === undefined ? ['spec', 'base'] : ['spec', 'stages', stage, 'model'];
  return models.find((named) => path.every((part, at) => named.path[at] === part))?.directory;
}

function namedModels({ base, stages }: Json, folder: string): FileCheck['models'] {
  const all = list(stages).map(object);
  const fromBase = all.filter((stage) => stage['model'] === undefined && stage['review'] === undefined);
  const named = [
    { path: ['spec', 'base'], model: object(base), users: fromBase },
    ...all.map((stage, index) => ({
      path: ['spec', 'stages', index, 'model'],
      model: object(stage['model']),
      users: [stage],
    })),
  ];
  return named.flatMap(({ path, model, users }) => {
    // Stages that only train a reward model may start from one.
    const scalar = users.length > 0 && users.every((stage) => stage['rewardModel'] !== undefined);
    const head = scalar ? ('scalar' as const) : ('lm' as const);
    const hub = modelSourceShape.hf.safeParse(model['hf']).data;
    const cached = hub && findInHubCache(hub);
    const directory = text(model['path']);
    return [
      ...(cached === undefined ? [] : [{ path: [...path, 'hf'], directory: cached, head }]),
      ...(directory === undefined ? [] : [{ path: [...path, 'path'], directory: resolve(folder, directory), head }]),
    ];
  });
}
