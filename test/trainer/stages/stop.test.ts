import { access, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { checkedRowsName } from '../../../trainer/contract/settings/checked-rows.ts';
import { eventually } from '../../support/eventually.ts';
import { useBaseStage } from '../../support/base-stage.ts';
import { lines, logOf, pin, readResult, runStage, startStage, writeStage } from '../../support/trainer.ts';

const root = useBaseStage({ steps: 4, batch: 8 });

const long = { maxNewTokens: 100 };

/** Each has only just begun with what takes long once it has looked at its rows. */
test.each([
  {
    name: 'the sampling of a rollout',
    settings: {
      grpo: { prompts: ['sums'], steps: 2, promptsPerStep: 4, group: 16, sampling: long, rewards: [{ random: {} }] },
    },
    saved: 'step 0 of 2',
  },
  {
    name: 'the micro-batches of a step',
    settings: { pretrain: { data: ['mixture'], steps: 2, batch: 2048 } },
    saved: 'step 0 of 2',
  },
  {
    name: 'the sampling of a chunk',
    settings: { sample: { prompts: ['mixture'], perPrompt: 4, keep: [], sampling: long } },
    saved: '0 of 200 prompts',
  },
  {
    name: 'an evaluation',
    settings: { evaluate: { data: ['sums'], limit: 8, samples: 16, sampling: long } },
    saved: 'nothing, for it had only begun',
  },
])(
  'SIGTERM ends $name at once, and the next attempt ends as one that was never stopped',
  async ({ name, settings, saved }) => {
    const directory = await mkdtemp(join(root(), 'case-'));
    const write = async (at: string) => {
      const stage = { name: 'stage', settings, model: { input: await pin(root(), 'base') } };
      return writeStage(at, { ...stage, stage: name.replaceAll(' ', '-') });
    };
    const file = await write(directory);
    const { child, ended } = startStage(file);
    await eventually(() => access(join(directory, 'stage', checkedRowsName)));
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 75, stderr: `interrupted: asked to stop; saved ${saved}\n` });
    expect(await readResult(directory, 'stage')).toMatchObject({ outcome: 'interrupted' });
    expect(await lines(join(directory, 'stage/metrics.jsonl'))).toEqual([]);

    expect(await runStage(file)).toMatchObject({ code: 0, stderr: '' });
    const whole = await mkdtemp(join(root(), 'whole-'));
    expect(await runStage(await write(whole))).toMatchObject({ code: 0, stderr: '' });
    const [{ checkpoint: resumed }, { checkpoint: undisturbed }] = await Promise.all([
      readResult(directory, 'stage'),
      readResult(whole, 'stage'),
    ]);
    expect(resumed?.digest).toEqual(undisturbed?.digest);
    expect(await logOf(join(directory, 'stage'), 'metrics.jsonl')).toEqual(
      await logOf(join(whole, 'stage'), 'metrics.jsonl'),
    );
  },
);
