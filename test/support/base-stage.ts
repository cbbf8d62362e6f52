import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { runToResult } from './trainer.ts';

interface Base {
  readonly steps: number;
  readonly batch: number;
  /** More of its stage file. */
  readonly [more: string]: unknown;
}

/** Gives the tests of a file one directory with a finished stage `base`, for other stages to start from; call the result inside a test. */
export function useBaseStage({ steps, batch, ...more }: Base): () => string {
  let root = '';
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'r1-stages-'));
    await runToResult(root, { name: 'base', settings: { pretrain: { data: ['mixture'], steps, batch } }, ...more });
  });
  afterAll(async () => {
    await rm(root, { recursive: true, force: true });
  });
  return () => root;
}
