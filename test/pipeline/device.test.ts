import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { R1Stage } from '../../operator/api/resources/stage.ts';
import { r1 } from '../support/cli.ts';
import { useSharedDirectory } from '../support/shared-directory.ts';
import { logOf } from '../support/trainer.ts';

const manifest = join(import.meta.dirname, '../fixtures/pipelines/mini.yaml');
const stages = ['base', 'zero', 'samples', 'cold-start', 'helpfulness', 'r1', 'measured'] as const;

const directory = useSharedDirectory();

/** The same library computes in both, and steps have one micro-batch, so that all must be equal to the bit. */
test('a pipeline that computes in the memory of two devices logs what it logs on processors', async () => {
  const [processors, device] = [await logsOf('cpu'), await logsOf('host')];
  for (const stage of stages) expect([stage, device[stage]?.logs]).toEqual([stage, processors[stage]?.logs]);
  for (const stage of ['base', 'zero', 'cold-start'] as const) {
    expect(processors[stage]?.memory).toEqual([]);
    expect(device[stage]?.memory).toContainEqual(expect.any(Number));
  }
  expect([processors.zero?.device, device.zero?.device]).toEqual(['cpu, f32', 'host, f32']);
});

/** Metrics and samples of every stage. */
async function logsOf(device: 'cpu' | 'host') {
  const state = join(directory(), device);
  const run = await r1(['run', manifest, '--state', state], { environment: { R1_DEVICE: device, R1_LANES: '2' } });
  expect(run).toMatchObject({ code: 0, stderr: '' });
  const read = stages.map(async (stage) => {
    const volume = join(state, 'mini/volume', stage);
    const metrics = await logOf(volume, 'metrics.jsonl');
    const memory = metrics.flatMap((line) => ('device/memory_gb' in line ? [line['device/memory_gb']] : []));
    const logs = [metrics.map(withoutDevice), await logOf(volume, 'samples.jsonl')];
    const { status } = JSON.parse(await readFile(join(state, `mini/stages/${stage}.json`), 'utf8')) as R1Stage;
    return [stage, { logs, memory, device: status?.display?.device }] as const;
  });
  return Object.fromEntries(await Promise.all(read));
}

function withoutDevice(line: object): object {
  return Object.fromEntries(Object.entries(line).filter(([name]) => !name.startsWith('device/')));
}
