import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { tellsApart } from '../../../trainer/contract/settings/digest-version.ts';
import { withoutDefaults } from '../../../trainer/contract/settings/without-defaults.ts';
import { stageSpec } from '../../../operator/api/resources/stage.ts';
import { decidePipeline } from '../../../operator/core/pipeline/decide-pipeline.ts';
import { decideStage } from '../../../operator/core/stage/decide-stage.ts';
import { attemptDigest, sameSpec, settingsDigest } from '../../../operator/core/settings-digest.ts';
import { created, now, succeeded, withStatus } from '../../support/stages.ts';
import { done, ended, fresh, live } from './observed-stage.ts';
import { pipeline } from './pipeline-case.ts';

const optimizer = { epsilon: z.number().default(1e-8), betas: z.array(z.number()).default([0.9, 0.95]) };
const reward = { weight: z.number().default(1) };
const before = z.object({
  optimizer: z.object(optimizer).prefault({}),
  schedule: z
    .object({ kind: z.string().default('constant'), final: z.number().default(0.1) })
    .prefault({ kind: 'cosine' }),
  lora: z.object({ rank: z.number().default(16) }).optional(),
  rewards: z.array(z.object({ accuracy: z.object(reward).optional(), format: z.object(reward).optional() })),
});
/** One more field with a default at every depth. */
const after = z.object({
  ...before.shape,
  optimizer: z.object({ ...optimizer, nesterov: z.boolean().default(false) }).prefault({}),
  rewards: z.array(
    z.object({
      accuracy: z.object({ ...reward, strict: z.boolean().default(true) }).optional(),
      format: z.object(reward).optional(),
    }),
  ),
  ema: z.object({ decay: z.number().default(0) }).prefault({}),
});

test.each([
  { name: 'nothing', given: { rewards: [] } },
  { name: 'an optional object that is only there', given: { lora: {}, rewards: [] } },
  { name: 'some of an object', given: { optimizer: { epsilon: 1e-6 }, rewards: [] } },
  { name: 'an object whose own default is not that of its fields', given: { schedule: {}, rewards: [] } },
  { name: 'kinds', given: { rewards: [{ accuracy: {} }, { format: { weight: 2 } }] } },
])('a schema with more defaults leaves $name as it was', ({ given }) => {
  const old = withoutDefaults(before)(before.parse(given));
  expect(withoutDefaults(after)(after.parse(given))).toEqual(old);
  expect(withoutDefaults(before)(after.parse(given))).toEqual(old);
});

test('what has no default stays, even if it is empty', () => {
  const strip = withoutDefaults(before);
  expect(strip(before.parse({ lora: { rank: 16 }, rewards: [{ accuracy: { weight: 1 } }] }))).toEqual({
    lora: {},
    rewards: [{ accuracy: {} }],
  });
  expect(strip(before.parse({ schedule: {}, rewards: [] }))).toEqual({ rewards: [], schedule: {} });
});

test('a spec has the same digests with its defaults written out, as an API server does, and left out', () => {
  const written = stageSpec.parse(fresh.spec);
  const { betas: _, ...rest } = written.pretrain!.optimizer;
  const { volumes: __, ...bare } = { ...written, pretrain: { ...written.pretrain!, optimizer: rest } };
  const leftOut = bare as typeof written;
  expect(settingsDigest(leftOut)).toBe(settingsDigest(written));
  expect(attemptDigest(leftOut)).toBe(attemptDigest(written));
  expect(sameSpec(leftOut, written)).toBe(true);
  const other = { ...written, pretrain: { ...written.pretrain!, optimizer: { ...rest, betas: [0.9, 0.99] } } };
  expect(settingsDigest(other)).not.toBe(settingsDigest(written));
});

test('a digest that was made in another way judges nothing', () => {
  const unknown = '0:' + 'f'.repeat(64);
  expect(tellsApart(unknown, settingsDigest(fresh.spec))).toBe(false);
  const runs = { ...live, madeFrom: unknown, settings: unknown };
  expect(decideStage({ now, stage: fresh, attempts: [runs] }).actions).toEqual([]);
  expect(decideStage({ now, stage: fresh, attempts: [{ ...runs, state: 'pending' }] }).actions).toEqual([]);
  const record = { ...done.status!.attempts[0]!, settings: unknown };
  const finished = { ...done, status: { ...done.status!, attempts: [record] } };
  const { status } = decideStage({ now, stage: finished, attempts: [ended({})] });
  expect(status.conditions[0]?.status).toBe('True');
  expect(status.attempts[0]?.settings).toBe(settingsDigest(fresh.spec));
});

test('a stage whose spec says what the pipeline leaves to the defaults is not changed', () => {
  const stages = succeeded(pipeline, ['pretrained']).map((stage) => ({
    ...stage,
    spec: { ...stage.spec, storage: { ...stage.spec.storage, newField: undefined } },
  }));
  const running = withStatus(created(pipeline, stages, 'zero'), 'running');
  const { optimizer: _, ...grpo } = running.spec.grpo!;
  const old = { ...running, spec: { ...running.spec, grpo: grpo as typeof running.spec.grpo } };
  expect(decidePipeline({ now, pipeline, stages: [...stages, old], maxRunningStages: 1 }).actions).toEqual([]);
});
