import { expect, test } from '@jest/globals';
import type { Link } from '../../../../trainer/checkpoint/chain/chain.ts';
import { describePlan, faultsOfReplay, planReplay, replayFile } from '../../../../trainer/checkpoint/chain/replay.ts';
import { stageFile } from '../../../../trainer/contract/settings/stage-file.ts';

const digest = (letter: string): string => letter.repeat(64);

/** A checkpoint of a stage: `sft-30` is that of its step 30, `sft-40!` its final one. */
function link(name: string, more: { type?: string; settingsDigest?: string; directory?: string } = {}): Link {
  const [stage = '', step = ''] = name.split(/[-!]/);
  const { type = 'sft', settingsDigest = digest('e'), directory = `step-0000${step}` } = more;
  return {
    path: `volume/${stage}/${directory}`,
    digest: Buffer.from(name).toString('hex').padEnd(64, '0'),
    manifest: {
      version: 1,
      step: Number(step),
      final: name.endsWith('!'),
      files: [{ path: 'model.safetensors', bytes: 4, sha256: digest('a') }],
      settingsDigest,
      engine: { trainer: digest('c'), instructions: 'avx2' },
    },
    provenance: { stage, seed: 7, settings: { [type]: {} }, datasets: [], pins: {} },
  };
}

test.each([
  {
    name: 'the newest state before the last steps',
    links: [link('sft-20'), link('sft-30'), link('sft-38'), link('sft-40!')],
    steps: 5,
    plan: 'steps 31 to 40 of sft, from the state saved in step-000030',
  },
  {
    name: 'as many as are asked for are enough',
    links: [link('sft-20'), link('sft-30'), link('sft-40!')],
    steps: 10,
    plan: 'steps 31 to 40 of sft, from the state saved in step-000030',
  },
  {
    name: 'all of them where no earlier state is kept',
    links: [link('sft-38'), link('sft-40!')],
    steps: 5,
    plan: 'steps 1 to 40 of sft, from its inputs',
  },
  {
    name: 'a state of other settings, another stage or without a model is none',
    links: [
      link('sft-30', { settingsDigest: digest('f') }),
      link('zero-30'),
      link('sft-30', { directory: 'resume-000030' }),
      link('sft-40!'),
    ],
    steps: 5,
    plan: 'steps 1 to 40 of sft, from its inputs',
  },
  {
    name: 'rows are made again, and what people decided is not',
    links: [
      link('rows-0!', { type: 'sample', directory: 'data' }),
      link('told-0!', { type: 'review', directory: 'data' }),
    ],
    steps: 1,
    plan: 'all rows of rows, from its inputs',
  },
])('$name', ({ links, steps, plan }) => {
  expect(describePlan(planReplay(links, steps))).toBe(plan);
});

test('a stage that is not finished is a user error that names those that are', () => {
  expect(() => planReplay([link('sft-40!'), link('zero-20')], 1, 'zero')).toThrow(
    'stage zero: found no finished checkpoint that can be computed again; known: sft',
  );
});

test('the stage runs by itself, with its inputs where they lie now', () => {
  const base = link('base-40!');
  const told = stageFile.parse({
    pipeline: 'tiny',
    stage: 'sft',
    attempt: 2,
    seed: 7,
    settings: { sft: { data: ['sums'], epochs: 1 } },
    model: { input: { stage: 'base', path: '/elsewhere/step-000040', digest: base.digest } },
    datasets: [],
    inputs: { lost: { stage: 'lost', path: '/elsewhere/data', digest: digest('d') } },
    out: '/elsewhere/sft',
    takeOver: ['/elsewhere/attempt-1'],
    rollout: { port: 7070, tokenFile: '/secret' },
  });
  const again = replayFile(told, { expected: link('sft-40!'), links: [base], out: '/tmp/sft' });
  expect(again).toEqual({
    ...told,
    model: { input: { stage: 'base', path: base.path, digest: base.digest } },
    settingsDigest: digest('e'),
    out: '/tmp/sft',
    takeOver: undefined,
    rollout: undefined,
  });
});

test.each([
  { name: 'the same files', files: [digest('a')], engine: {}, faults: [] },
  {
    name: 'other weights, on another processor',
    files: [digest('b')],
    engine: { instructions: 'avx2 avx512f' },
    faults: [
      `volume/sft/step-000040/model.safetensors: computed again it has SHA-256 ${digest('b')}; expected ${digest('a')}`,
      'the bits may differ by instructions: found avx2 avx512f, made with avx2',
    ],
  },
  {
    name: 'other weights, with all else the same',
    files: [digest('b')],
    engine: {},
    faults: [
      expect.stringContaining('computed again it has'),
      'code, runtime and processor are the same: settings, data or weights were others',
    ],
  },
  { name: 'no weights', files: [], engine: {}, faults: [expect.stringContaining('is not written'), expect.anything()] },
])('compares what came out: $name', ({ files, engine, faults }) => {
  const expected = link('sft-40!');
  const made = {
    ...expected.manifest,
    files: files.map((sha256) => ({ path: 'model.safetensors', bytes: 4, sha256 })),
    engine: { ...expected.manifest.engine, ...engine },
  };
  expect(faultsOfReplay(expected, made)).toEqual(faults);
});

test('where a stage let other machines sample, that may be why it comes out otherwise', () => {
  const of = link('zero-40!', { type: 'grpo' });
  const settings = { grpo: { rollout: { accept: 'mismatch' } } };
  const expected: Link = { ...of, provenance: { stage: 'zero', seed: 7, settings, datasets: [], pins: {} } };
  const files = [{ path: 'model.safetensors', bytes: 4, sha256: digest('b') }];
  expect(faultsOfReplay(expected, { ...expected.manifest, files }).at(-1)).toBe(
    'grpo.rollout.accept is mismatch: other machines may have sampled, and it is done again by this one alone',
  );
});
