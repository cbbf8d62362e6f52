import { expect, test } from '@jest/globals';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { missingFiles, missingModels } from '../../../operator/local/check-files.ts';
import { formatPath } from '../../../operator/api/value-problem.ts';
import { findInHubCache } from '../../../operator/local/hub-cache.ts';
import { fourStages, pipelineOf, Workbench } from '../../support/pipelines.ts';

const { folder } = new Workbench();
mkdirSync(join(folder, 'model'));
mkdirSync(join(folder, 'empty'));
writeFileSync(join(folder, 'model/config.json'), '{}');
writeFileSync(join(folder, 'rows.jsonl'), '');

async function problems(base: string, dataset: string): Promise<string[]> {
  const text = fourStages.replace('base: {init: {}}', `base: ${base}`).replace('generator: {task: addition}', dataset);
  const pipeline = pipelineOf(text);
  const found = [...(await missingFiles(pipeline, join(folder, 'pipeline.yaml'))), ...missingModels(pipeline)];
  return found.map(({ path, message }) => `${formatPath(path)}: ${message.replaceAll(folder, '.')}`);
}

test.each([
  { name: 'files that are there', base: '{path: model}', dataset: 'jsonl: rows.jsonl', expected: [] },
  {
    name: 'directory instead of a file',
    base: '{init: {}}',
    dataset: 'jsonl: model',
    expected: ['spec.datasets[0].jsonl: found a directory at ./model, expected a JSONL file'],
  },
  {
    name: 'held-out rows that are missing',
    base: '{init: {}}',
    dataset: 'jsonl: rows.jsonl, heldOut: {jsonl: no.jsonl}',
    expected: ['spec.datasets[0].heldOut.jsonl: found nothing at ./no.jsonl, expected a JSONL file'],
  },
  {
    name: 'directory that is no model',
    base: '{path: empty}',
    dataset: 'jsonl: rows.jsonl',
    expected: ['spec.base.path: found a directory without config.json at ./empty, expected a Hugging Face directory'],
  },
  {
    name: 'file instead of a model',
    base: '{path: rows.jsonl}',
    dataset: 'jsonl: rows.jsonl',
    expected: ['spec.base.path: found a file at ./rows.jsonl, expected a Hugging Face directory'],
  },
  {
    name: 'claim, which only a cluster has',
    base: '{pvc: {claim: models}}',
    dataset: 'jsonl: rows.jsonl',
    expected: ['spec.base.pvc: found claim models, expected a path, as claims exist on clusters only'],
  },
])('$name', async ({ base, dataset, expected }) => {
  expect(await problems(base, dataset)).toEqual(expected);
});

test('finds models of the Hub that are in the cache of this machine', async () => {
  process.env.HF_HUB_CACHE = join(folder, 'hub');
  try {
    const model = join(folder, 'hub/models--owner--name');
    expect(await problems('{hf: {repo: owner/name}}', 'jsonl: rows.jsonl')).toEqual([
      'spec.base.hf: found owner/name not in the Hugging Face cache of this machine, expected it there (hf download owner/name), or a path',
    ]);
    mkdirSync(join(model, 'snapshots/abc'), { recursive: true });
    mkdirSync(join(model, 'refs'));
    writeFileSync(join(model, 'refs/main'), 'abc\n');
    writeFileSync(join(model, 'snapshots/abc/config.json'), '{}');
    expect(findInHubCache({ repo: 'owner/name', revision: 'main' })).toBe(join(model, 'snapshots/abc'));
    expect(findInHubCache({ repo: 'owner/name', revision: 'abc' })).toBe(join(model, 'snapshots/abc'));
    expect(await problems('{hf: {repo: owner/name}}', 'jsonl: rows.jsonl')).toEqual([]);
  } finally {
    delete process.env.HF_HUB_CACHE;
  }
});
