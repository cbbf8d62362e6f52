import { expect, test } from '@jest/globals';
import {
  type Chain,
  faultsOfChain,
  finishedLinks,
  type Link,
  materialsOf,
} from '../../../../trainer/checkpoint/chain/chain.ts';

const digest = (letter: string): string => letter.repeat(64);

function link(stage: string, letter: string, more: { from?: string; pins?: Record<string, string> } = {}): Link {
  const { from, pins = {} } = more;
  return {
    path: `volume/${stage}/step-000003`,
    digest: digest(letter),
    manifest: {
      version: 1,
      step: 3,
      final: true,
      files: [],
      ...(from !== undefined && { parent: { stage: 'before', digest: digest(from) } }),
      settingsDigest: `1:${digest('e')}`,
      engine: {},
    },
    provenance: {
      stage,
      seed: 7,
      settings: {},
      datasets: [],
      pins,
      start: from === undefined ? { architecture: 'qwen3' } : { digest: digest(from) },
    },
  };
}

function chain(...links: Link[]): Chain {
  return { links, claims: [], faults: [] };
}

test.each([
  { name: 'a chain of two', given: chain(link('base', 'a'), link('sft', 'b', { from: 'a' })), faults: [] },
  {
    name: 'a model whose checkpoint is not there',
    given: chain(link('sft', 'b', { from: 'a' })),
    faults: [
      `volume/sft/step-000003/checkpoint.json: goes on from stage before with digest ${digest('a')}; found no checkpoint that has it`,
    ],
  },
  {
    name: 'a reward model whose checkpoint is not there',
    given: chain(link('r1', 'b', { pins: { helpful: digest('d') } })),
    faults: [
      `volume/r1/step-000003/checkpoint.json: goes on from stage helpful with digest ${digest('d')}; found no checkpoint that has it`,
    ],
  },
  {
    name: 'another parent than the settings name',
    given: chain(link('base', 'a'), link('other', 'f'), parentInstead(link('sft', 'b', { from: 'a' }), 'f')),
    faults: [
      `volume/sft/step-000003/checkpoint.json: names the parent before with digest ${digest('f')}; expected ${digest('a')}, which its settings name`,
    ],
  },
  {
    name: 'a result that names another digest',
    given: {
      ...chain(link('base', 'a')),
      claims: [{ file: 'volume/base/result.json', checkpoint: 'step-000003', digest: digest('b') }],
    },
    faults: [`volume/base/result.json: names step-000003 with digest ${digest('b')}; found ${digest('a')}`],
  },
])('$name', ({ given, faults }) => {
  expect(faultsOfChain(given)).toEqual(faults);
});

function parentInstead(of: Link, letter: string): Link {
  return { ...of, manifest: { ...of.manifest, parent: { stage: 'before', digest: digest(letter) } } };
}

test('stages stand behind those that they go on from, whatever the order on disk', () => {
  const links = [link('a-last', 'c', { from: 'b', pins: { rows: digest('d') } }), link('rows', 'd', { from: 'a' })];
  const all = [...links, link('sft', 'b', { from: 'a' }), link('base', 'a')];
  expect(finishedLinks(all).map(({ provenance }) => provenance?.stage)).toEqual(['base', 'sft', 'rows', 'a-last']);
});

test('a made-up circle of checkpoints ends', () => {
  const circle = [link('x', 'a', { from: 'b' }), link('y', 'b', { from: 'a' })];
  expect(finishedLinks(circle)).toHaveLength(2);
});

test('names each file from outside once', () => {
  const learned = { ...link('sft', 'b') };
  const provenance = {
    ...learned.provenance!,
    datasets: [{ name: 'sums', file: digest('1') }, { name: 'made' }],
    start: [{ path: 'model.safetensors', bytes: 1, sha256: digest('2') }],
  };
  expect(
    materialsOf([
      { ...learned, provenance },
      { ...learned, provenance },
    ]),
  ).toEqual([
    { name: 'dataset sums', sha256: digest('1') },
    { name: 'base model.safetensors', sha256: digest('2') },
  ]);
});
