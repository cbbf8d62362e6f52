import { join } from 'node:path';
import type { DatasetSettings } from '../../contract/settings/dataset.ts';
import type { Provenance } from '../../contract/files/provenance.ts';
import { mapRewardFiles, mapVerifierFile, verifierFiles } from '../../contract/settings/reward-files.ts';
import type { StageSettings } from '../../contract/settings/settings.ts';
import type { StageFile } from '../../contract/settings/stage-file.ts';

/** A file from outside that decides a stage: where the stage had it, and what it held. */
export interface ToldFile {
  /** Such as `dataset sums`. */
  readonly name: string;
  readonly path: string;
  readonly sha256: string;
}

/** What may be a file that decides the stage. */
interface MaybeTold {
  readonly name: string;
  readonly path: string | undefined;
  readonly sha256: string | undefined;
}

/** Files of a model from outside, which lie in one directory; none where the stage began with another model. */
export function filesOfBase({ model }: StageFile, { start }: Provenance): ToldFile[] {
  const directory = model?.path;
  if (directory === undefined || !Array.isArray(start)) return [];
  return start.map(({ path, sha256 }) => ({ name: `base ${path}`, path: join(directory, path), sha256 }));
}

/** Data, verifiers and rewards of one's own by which a stage was decided. */
export function toldFiles(file: StageFile, decided: Provenance): ToldFile[] {
  const named = file.datasets.flatMap((dataset): MaybeTold[] => {
    const { name } = dataset;
    const content = contentOf(name, decided);
    const [verifier] = verifierFiles([dataset]);
    return [
      { name: `dataset ${name}`, path: dataset.file, sha256: content?.file },
      { name: `held-out rows of ${name}`, path: dataset.heldOut?.file, sha256: content?.heldOutFile },
      { name: `verifier of ${name}`, path: verifier, sha256: content?.verifier },
    ];
  });
  return [...named, ...ownRewards(file, decided)].flatMap(({ name, path, sha256 }) =>
    path === undefined || sha256 === undefined ? [] : [{ name, path, sha256 }],
  );
}

/** Both have the same rewards in the same order. */
function ownRewards({ settings }: StageFile, decided: Provenance): MaybeTold[] {
  const contents = (decided.settings as Pick<StageSettings, 'grpo'>).grpo?.rewards ?? [];
  return (settings.grpo?.rewards ?? []).map((reward, at) => {
    const { module, python } = contents[at] ?? {};
    return {
      name: `grpo.rewards[${at}]`,
      path: (reward.module ?? reward.python)?.file,
      sha256: (module ?? python)?.file,
    };
  });
}

/** What the files of a dataset held by which the stage was decided, as far as they decided it. */
function contentOf(name: string, { datasets, decontaminate = [], guard = [] }: Provenance) {
  const named = [...datasets, ...decontaminate, ...guard].filter((each) => each.name === name);
  if (named.length === 0) return undefined;
  const [verifier] = verifierFiles(named as Partial<DatasetSettings>[]);
  const { file } = named.find((each) => each.file !== undefined) ?? {};
  const { heldOutFile } = [...decontaminate, ...guard].find((each) => each.name === name) ?? {};
  return { file, heldOutFile, verifier };
}

/**
 * A stage file with these files elsewhere, and without data that decide nothing of it: of datasets that it only measures,
 * and held-out rows.
 *
 * @param at where a file lies now, by the path that the stage had
 */
export function withFilesAt(file: StageFile, decided: Provenance, at: (path: string) => string): StageFile {
  const datasets = file.datasets.flatMap((dataset) => {
    const content = contentOf(dataset.name, decided);
    if (content === undefined) return [];
    const { file: path, heldOut, ...rest } = mapVerifierFile(dataset, at);
    const { file: heldOutPath, ...share } = heldOut ?? {};
    const keepsHeldOut = heldOutPath !== undefined && content.heldOutFile !== undefined;
    return {
      ...rest,
      ...(path !== undefined && { file: at(path) }),
      ...(heldOut && { heldOut: { ...share, ...(keepsHeldOut && { file: at(heldOutPath) }) } }),
    };
  });
  return { ...file, datasets, settings: mapRewardFiles(file.settings, at) };
}
