import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { r1 } from '../support/cli.ts';
import { useSharedDirectory } from '../support/shared-directory.ts';
import { logOf } from '../support/trainer.ts';

const manifest = join(import.meta.dirname, '../fixtures/pipelines/mini.yaml');
const stages = ['base', 'zero', 'samples', 'cold-start', 'helpfulness', 'r1', 'measured'] as const;

const directory = useSharedDirectory();

/** The same library computes in both, and steps have one micro-batch, so that all must be equal to the bit. */
test('a pipeline that computes in the memory of two devices logs what it logs on processors', async () => {
  const [processors, device] = [await logsOf('cpu'), await logsOf('host')];
  for (const stage of stages) expect([stage, device[stage]]).toEqual([stage, processors[stage]]);
});

/** Metrics and samples of every stage. */
async function logsOf(device: 'cpu' | 'host') {
  const state = join(directory(), device);
  const run = await r1(['run', manifest, '--state', state], { environment: { R1_DEVICE: device, R1_LANES: '2' } });
  expect(run).toMatchObject({ code: 0, stderr: '' });
  const logs = stages.map(async (stage) => {
    const volume = join(state, 'mini/volume', stage);
    return [stage, await Promise.all([logOf(volume, 'metrics.jsonl'), logOf(volume, 'samples.jsonl')])] as const;
  });
  return Object.fromEntries(await Promise.all(logs));
}
