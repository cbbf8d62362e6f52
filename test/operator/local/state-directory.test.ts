import { expect, test } from '@jest/globals';
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { StateDirectory, writeJson } from '../../../operator/local/state-directory.ts';
import { DiskFullError, UserError } from '../../../trainer/contract/process/errors.ts';
import { fourStages, pipelineOf, Workbench } from '../../support/pipelines.ts';

const hasFullDevice = existsSync('/dev/full');

(hasFullDevice ? test : test.skip)('a full disk leaves the old file and nothing half-written', async () => {
  const path = join(new Workbench().folder, 'state.json');
  await writeJson(path, { old: true });
  symlinkSync('/dev/full', `${path}.${process.pid}.partial`);
  await expect(writeJson(path, { old: false })).rejects.toThrow(DiskFullError);
  expect(readdirSync(dirname(path)).toSorted()).toEqual(['plan.json', 'state.json']);
});

test('a state that was not written by this version is named, not guessed at', async () => {
  const bench = new Workbench();
  const state = new StateDirectory(bench.stateDir, 'test');
  mkdirSync(state.root, { recursive: true });
  writeFileSync(join(state.root, 'pipeline.json'), '{"kind": "R1Pipeline"');
  await expect(bench.run(pipelineOf(fourStages))).rejects.toThrow(UserError);
  await expect(bench.run(pipelineOf(fourStages))).rejects.toThrow(/pipeline.json: found something else than the state/);
});
