import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { publishCheckpoint, type PublishedCheckpoint } from '../../trainer/checkpoint/store.ts';
import { type Provenance, provenanceName } from '../../trainer/contract/files/provenance.ts';

interface LinkToPublish {
  readonly stage: string;
  /** The model that it starts from. */
  readonly from?: { readonly stage: string; readonly digest: string };
  readonly pins?: Readonly<Record<string, string>>;
  readonly datasets?: Provenance['datasets'];
  readonly start?: Provenance['start'];
  readonly settings?: Provenance['settings'];
  /** What its weights hold. */
  readonly weights?: string;
  /** What else it has, by name. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Publishes a finished checkpoint in `<volume>/<stage>/`, with what decided it and a `result.json` that names it. */
export async function publishLink(volume: string, link: LinkToPublish): Promise<PublishedCheckpoint> {
  const { stage, from, pins = {}, datasets = [], settings = { sft: {} }, weights = stage, files = {} } = link;
  const start = link.start ?? (from ? { digest: from.digest } : { architecture: 'qwen3' });
  const decided = JSON.stringify({ stage, seed: 7, settings, datasets, start, pins });
  const out = join(volume, stage);
  await mkdir(out, { recursive: true });
  const checkpoint = await publishCheckpoint(out, {
    name: 'step-000003',
    step: 3,
    final: true,
    ...(from && { parent: { stage: from.stage, digest: from.digest } }),
    settingsDigest: `1:${sha256(decided)}`,
    engine: { trainer: 'c'.repeat(64), node: '24.0.0' },
    async write(directory) {
      await writeFile(join(directory, 'model.safetensors'), weights);
      await writeFile(join(directory, provenanceName), decided);
      for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
    },
  });
  await writeFile(join(out, 'result.json'), JSON.stringify({ outcome: 'succeeded', checkpoint }));
  return checkpoint;
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
