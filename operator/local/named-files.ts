import type { RunsHere } from './run-options.ts';
import { resolve } from 'node:path';
import { chat, chatOver, type ChatSettings } from '../../trainer/contract/settings/chat.ts';
import { dataset, type DatasetSettings } from '../../trainer/contract/settings/dataset.ts';
import type { FileCheck, Rendering } from '../../trainer/contract/settings/file-check.ts';
import { modelSourceShape } from '../../trainer/contract/settings/model.ts';
import { mapVerifierFile } from '../../trainer/contract/settings/reward-files.ts';
import { rewardPython } from '../../trainer/contract/settings/own-functions.ts';
import type { Path } from '../api/check/value-problem.ts';
import { datasetUses } from './dataset-uses.ts';
import { findInHubCache } from './hub-cache.ts';
import { modelUses } from './model-uses.ts';
import { type Json, list, object, text } from './lenient.ts';
import { namedRubrics } from './named-rubrics.ts';

/** A file of data, with a chat template or with a reward. */
export interface NamedFile {
  readonly path: Path;
  readonly file: string;
  readonly expected: string;
}

/** What is expected where a dataset names a file. */
export const dataFile = 'a JSONL or Parquet file';

/** The files and model directories that a pipeline names, with absolute paths. */
export interface NamedFiles {
  readonly files: readonly NamedFile[];
  readonly directories: readonly { readonly path: Path; readonly directory: string }[];
  /** What is to be looked at inside of them; datasets and models without a fault in the manifest alone. */
  readonly check: FileCheck;
}

/**
 * What a spec names, as far as it can be known of one that has faults: they do not hide a missing file.
 *
 * @param folder that relative paths start at
 * @param here where the pipeline is to run on this machine
 */
export function namedFiles(spec: unknown, folder: string, here?: RunsHere): NamedFiles {
  const datasets = list(object(spec)['datasets']).map((value, index) => {
    const path = ['spec', 'datasets', index];
    const file = text(object(value)['file']);
    const heldOut = text(object(object(value)['heldOut'])['file']);
    return {
      path,
      files: [
        { path: [...path, 'file'], file },
        { path: [...path, 'heldOut', 'file'], file: heldOut },
      ].flatMap((named) =>
        named.file === undefined ? [] : [{ ...named, file: resolve(folder, named.file), expected: dataFile }],
      ),
      settings: dataset.safeParse(value).data,
    };
  });
  const models = namedModels(object(spec), folder);
  const rewards = namedRewards(object(spec), folder);
  return {
    files: [...datasets.flatMap(({ files }) => files), ...namedTemplates(object(spec), folder), ...rewards],
    directories: models.filter(({ path }) => path.at(-1) === 'path'),
    check: {
      datasets: datasets.flatMap(({ path, settings }) => {
        if (settings?.file === undefined) return [];
        const uses = datasetUses(object(spec), settings, (stage) => renderingOf(object(spec), stage, models, folder));
        return [{ path, settings: withAbsolutePaths(settings, folder), uses }];
      }),
      models,
      rewards: rewards.flatMap(({ check }) => check ?? []),
      rubrics: namedRubrics(object(spec)),
      uses: modelUses(object(spec), folder, here),
    },
  };
}

function namedTemplates({ defaults, stages }: Json, folder: string): NamedFile[] {
  const settings = [
    { path: ['spec', 'defaults'], chat: object(object(defaults)['chat']) },
    ...list(stages).map((stage, index) => ({ path: ['spec', 'stages', index], chat: object(object(stage)['chat']) })),
  ];
  return settings.flatMap(({ path, chat: { templateFile } }) => {
    const file = text(templateFile);
    if (file === undefined) return [];
    return [{ path: [...path, 'chat', 'templateFile'], file: resolve(folder, file), expected: 'a chat template' }];
  });
}

interface NamedReward extends NamedFile {
  /** Without a fault in the manifest alone. */
  readonly check?: FileCheck['rewards'][number];
}

function namedRewards(spec: Json, folder: string): NamedReward[] {
  return [...namedVerifiers(spec, folder), ...rewardsOfStages(spec, folder)];
}

function namedVerifiers({ datasets }: Json, folder: string): NamedReward[] {
  return list(datasets).flatMap((named, index) => {
    const { answer, file } = object(named);
    const { module, python } = object(object(answer)['verifier']);
    const path = ['spec', 'datasets', index, 'answer', 'verifier'];
    const data = list(text(file) === undefined ? [] : [file]).map((each) => resolve(folder, String(each)));
    return [...namedModule(object(module), path, folder), ...namedPython(object(python), path, folder, data)];
  });
}

function rewardsOfStages({ stages, datasets }: Json, folder: string): NamedReward[] {
  return list(stages).flatMap((stage, at) => {
    const { prompts, rewards } = object(object(stage)['grpo']);
    const data = dataFilesOf(list(prompts), list(datasets).map(object), folder);
    return list(rewards).flatMap((reward, index) => {
      const path = ['spec', 'stages', at, 'grpo', 'rewards', index];
      const { module, python } = object(reward);
      return [...namedModule(object(module), path, folder), ...namedPython(object(python), path, folder, data)];
    });
  });
}

/** The files of some datasets; nothing if one of them is another stage's, which are not there yet. */
function dataFilesOf(names: readonly unknown[], datasets: readonly Json[], folder: string): string[] | undefined {
  const named = datasets.filter(({ name }) => names.includes(name));
  if (named.length < names.length) return undefined;
  return named.flatMap(({ file }) => text(file) ?? []).map((file) => resolve(folder, file));
}

function namedModule({ file: named }: Json, reward: Path, folder: string): NamedReward[] {
  const file = text(named);
  if (file === undefined) return [];
  const found = { path: [...reward, 'module', 'file'], file: resolve(folder, file) };
  return [{ ...found, expected: 'a TypeScript or JavaScript file', check: found }];
}

function namedPython(settings: Json, reward: Path, folder: string, data: readonly string[] | undefined): NamedReward[] {
  const file = text(settings['file']);
  if (file === undefined) return [];
  const found = { path: [...reward, 'python', 'file'], file: resolve(folder, file) };
  const python = rewardPython.safeParse({ ...settings, file: found.file }).data;
  const check = python && { ...found, python, ...(data && { data: [...data] }) };
  return [{ ...found, expected: 'a Python file', ...(check && { check }) }];
}

function withAbsolutePaths({ file, heldOut, ...others }: DatasetSettings, folder: string): DatasetSettings {
  const rest = mapVerifierFile(others, (path) => resolve(folder, path));
  const held = heldOut?.file === undefined ? heldOut : { ...heldOut, file: resolve(folder, heldOut.file) };
  return { ...rest, ...(file !== undefined && { file: resolve(folder, file) }), ...(held && { heldOut: held }) };
}

/** What a stage puts rows in: checkpoints keep the chat template of the model, or of the stage, that they began with. */
function renderingOf(spec: Json, stage: number, models: FileCheck['models'], folder: string): Rendering | undefined {
  const all = list(spec['stages']).map(object);
  const { model, chat: own } = object(all[stage]);
  const [ofDefaults, ofStage] = [object(spec['defaults'])['chat'], own].map((each) => chat.safeParse(each ?? {}).data);
  const { templateFile, ...others } = chatOver(ofDefaults, ofStage);
  const settings = { ...others, ...(templateFile !== undefined && { templateFile: resolve(folder, templateFile) }) };
  const { from } = object(model);
  if (from !== undefined) {
    const earlier = all.findIndex((other, index) => index < stage && other['name'] === from);
    const before = earlier < 0 ? undefined : renderingOf(spec, earlier, models, folder);
    const { template, templateFile: file } = before?.chat ?? {};
    const carriedOn = {
      ...(template !== undefined && { template }),
      ...(file !== undefined && { templateFile: file }),
    };
    return before && withChat(before.directory, chatOver(carriedOn, settings));
  }
  const path = model === undefined ? ['spec', 'base'] : ['spec', 'stages', stage, 'model'];
  const named = models.find((each) => path.every((part, at) => each.path[at] === part));
  return named && withChat(named.directory, settings);
}

function withChat(directory: string, settings: ChatSettings): Rendering {
  return { directory, ...(Object.keys(settings).length > 0 && { chat: settings }) };
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
    const asItIs = users.some((stage) => object(stage['rewardModel'])['epochs'] === 0);
    const head = scalar ? (asItIs ? ('scalar' as const) : ('maybeScalar' as const)) : ('lm' as const);
    const hub = modelSourceShape.hf.safeParse(model['hf']).data;
    const cached = hub && findInHubCache(hub);
    const directory = text(model['path']);
    return [
      ...(cached === undefined ? [] : [{ path: [...path, 'hf'], directory: cached, head }]),
      ...(directory === undefined ? [] : [{ path: [...path, 'path'], directory: resolve(folder, directory), head }]),
    ];
  });
}
