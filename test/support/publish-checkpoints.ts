/**
 * A process that publishes checkpoints, to be killed or to fill a disk.
 *
 * usage: node publish-checkpoints.ts DIR forever              step after step, until killed; "ready" once it begins, then a line a step
 *        node publish-checkpoints.ts DIR BYTES BYTES …        one of each size; prints what happened as JSON
 */
import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeSafetensors } from '../../trainer/checkpoint/safetensors.ts';
import { newestCheckpoint, publishCheckpoint } from '../../trainer/checkpoint/store.ts';
import { stepDirectory } from '../../trainer/contract/files/checkpoint.ts';
import { TrainerError } from '../../trainer/contract/process/errors.ts';

const [directory = '.', ...sizes] = process.argv.slice(2);
const settingsDigest = 'a'.repeat(64);

function publish(step: number, bytes: number) {
  return publishCheckpoint(
    directory,
    {
      name: stepDirectory(step),
      step,
      final: false,
      settingsDigest,
      engine: {},
      async write(partial) {
        await writeFile(join(partial, 'config.json'), '{}');
        const values = new Float32Array(bytes / 4).fill(step);
        await writeSafetensors(join(partial, 'model.safetensors'), [{ name: 'a', shape: [values.length], values }]);
      },
    },
    1,
  );
}

if (sizes[0] === 'forever') {
  const { newest } = await newestCheckpoint(directory, settingsDigest);
  console.log('ready');
  for (let step = (newest?.step ?? 0) + 1; ; step++) {
    await publish(step, 400_000);
    console.log(`published ${step}`);
  }
}

let failure: unknown;
try {
  for (const [i, bytes] of sizes.entries()) await publish(i + 1, Number(bytes));
} catch (error) {
  failure = error instanceof TrainerError ? { reason: error.reason, message: error.message } : String(error);
}
console.log(JSON.stringify({ failure, left: readdirSync(directory) }));
