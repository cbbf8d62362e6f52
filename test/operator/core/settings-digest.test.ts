import { expect, test } from '@jest/globals';
import { judgeChange } from '../../../operator/core/settings-digest.ts';
import { fourStages, pipelineOf } from '../../support/pipelines.ts';
import { created, succeeded } from '../../support/stages.ts';

const content = (sha: string) => ({ lines: 3, bytes: 9, sha256: sha.repeat(64) });

test.each([
  { sample: 'decontaminate: [exam], ', kind: 'other' },
  { sample: '', kind: 'measured' },
])('other held-out rows are for a sample stage with {$sample} a change of kind $kind', ({ sample, kind }) => {
  const withExam = fourStages
    .replace('datasets:', 'datasets:\n  - {name: exam, file: a.jsonl, heldOut: {file: b.jsonl}}')
    .replace('sample: {', `sample: {${sample}`);
  const pipeline = pipelineOf(withExam);
  const { spec } = created(pipeline, succeeded(pipeline, ['pretrained', 'zero']), 'samples');
  const holding = (heldOut: string) => ({
    ...spec,
    contents: [{ dataset: 'exam', file: content('a'), heldOut: content(heldOut) }],
  });
  expect(judgeChange(holding('b'), holding('c')).kind).toBe(kind);
});
