import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { stageSettings } from '../../../../trainer/contract/settings/settings.ts';
import type { ModelConfig } from '../../../../trainer/models/config.ts';
import type { LaneDevice } from '../../../../trainer/runtime/choose-device.ts';
import { requireMemory } from '../../../../trainer/stages/checks/require-memory.ts';
import { Warnings } from '../../../../trainer/stages/workspace/warnings.ts';
import type { Workspace } from '../../../../trainer/stages/workspace/workspace.ts';
import { smolLm2Config as config } from '../../../support/random-model.ts';
import { runStage, writeStage } from '../../../support/trainer.ts';

function judge(
  gigabytes: number,
  {
    workers = 2,
    trained = true,
    rewardModels = new Map<string, ModelConfig>(),
    devices = [] as readonly LaneDevice[],
  } = {},
): { refused?: string; warned?: string | undefined } {
  const warnings = new Warnings();
  const settings = stageSettings.parse({
    grpo: {
      prompts: ['sums'],
      steps: 1,
      rewards: [{ accuracy: {} }],
      maxPromptTokens: 128,
      sampling: { maxNewTokens: 384 },
    },
  });
  const workspace = { file: { stage: 'zero', settings, workers }, warnings } as unknown as Workspace;
  try {
    requireMemory(
      workspace,
      config,
      { head: 'lm', trained, reference: trained, rewardModels },
      gigabytes * 1e9,
      devices,
    );
  } catch (error) {
    return { refused: (error as Error).message };
  }
  return { warned: warnings.all.find(({ reason }) => reason === 'MemoryTight')?.message };
}

test('a model that fits is let through', () => {
  expect(judge(16)).toEqual({ warned: undefined });
  expect(judge(3, { trained: false })).toEqual({ warned: undefined });
});

test('one that cannot fit is refused with what the memory is for', () => {
  expect(judge(3).refused).toMatch(
    /^stage zero: found a model that needs 3\.\d GB or more \(.*1\.1 GB the moments of AdamW.*\), expected one that fits into 3\.0 GB: take fewer workers, a smaller model or more memory$/,
  );
});

test('a reward model that is opened beside it counts', () => {
  expect(judge(3, { trained: false })).toEqual({ warned: undefined });
  const rewardModels = new Map([['judge', { ...config, layers: 120 }]]);
  expect(judge(2, { trained: false, rewardModels }).refused).toMatch(/\(1\.8 GB the reward model judge, .*fits into 2/);
});

test('one that may not fit is warned of', () => {
  expect(judge(4.5).warned).toMatch(
    /^about \d+(\.\d)? GB of memory are needed .*, 4\.5 GB are there: take fewer workers/,
  );
});

const gpu = (gigabytes: number, ordinal = 0): LaneDevice => ({
  kind: 'cuda',
  gpu: ordinal,
  of: { name: 'NVIDIA L4', capability: [8, 9], memoryBytes: gigabytes * 1e9, uuid: `GPU-${ordinal}` },
});

test('on GPUs it is their memory that it must fit into, that of the smallest', () => {
  expect(judge(4, { devices: [gpu(24)] })).toEqual({ warned: undefined });
  expect(judge(4, { devices: [gpu(24), gpu(3.5, 1)] }).refused).toMatch(
    /^stage zero: found a model that needs 4\.2 GB or more of each GPU \(1\.6 GB 3 partial sums of their gradient.*\), expected one that fits into the 3\.5 GB of NVIDIA L4: take lora, a smaller model or a larger GPU$/,
  );
  expect(judge(4, { devices: [gpu(5.5)] }).warned).toMatch(/^about \d\.\d GB of memory of each GPU are needed/);
});

test('the process beside them must have room for the moments that go to a file', () => {
  expect(judge(1.5, { devices: [gpu(24)] }).refused).toMatch(
    /needs 1\.6 GB of memory beside its GPUs, .* expected one that fits into 1\.5 GB/,
  );
  expect(judge(1.5, { devices: [gpu(24)], trained: false })).toEqual({ warned: undefined });
});

test('the trainer refuses it before it takes memory, and no retry would help', async () => {
  const root = await mkdtemp(join(tmpdir(), 'r1-memory-'));
  const init = { architecture: 'qwen3', hiddenSize: 65_536, layers: 200, heads: 64, kvHeads: 8, maxLength: 128 };
  const settings = { pretrain: { data: ['mixture'], steps: 1, batch: 8 } };
  const { code, stderr } = await runStage(await writeStage(root, { name: 'huge', model: { init }, settings }));
  expect([code, stderr]).toEqual([
    64,
    expect.stringMatching(/^userError: stage huge: found a model that needs \d+ GB or more/),
  ]);
  await rm(root, { recursive: true });
});
