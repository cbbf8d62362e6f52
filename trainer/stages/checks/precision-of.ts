import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { readManifest } from '../../checkpoint/manifest.ts';
import { checkpointManifestName } from '../../contract/files/checkpoint.ts';
import { type Precision, precision } from '../../contract/settings/training.ts';

/**
 * The precision of the stage that wrote a checkpoint; nothing for a directory that is none.
 *
 * @throws UserError where its manifest is malformed
 */
export async function precisionOf(directory: string): Promise<Precision | undefined> {
  const isCheckpoint = await access(join(directory, checkpointManifestName)).then(
    () => true,
    () => false,
  );
  if (!isCheckpoint) return undefined;
  const { manifest } = await readManifest(directory);
  return precision.safeParse(manifest.engine['precision']).data;
}
