import { readFileSync } from 'node:fs';
import { validateManifest } from '../../../operator/api/manifest.ts';
import * as fc from 'fast-check';
import { stringify, parse } from 'yaml';
import { bytesOf, damagedBytes, damagedJson } from '../mutations.ts';
import type { FuzzTarget } from '../target.ts';

const texts = ['brief', 'short', 'rollouts'].map((name) =>
  readFileSync(new URL(`../../fixtures/pipelines/${name}.yaml`, import.meta.url), 'utf8'),
);

/** A manifest with every kind of problem named, and never an exception. */
export const manifest: FuzzTarget = {
  name: 'manifest',
  mostMiB: 500,
  inputs: () =>
    fc.oneof(
      damagedBytes(texts.map(bytesOf)),
      damagedJson(texts.map((text) => parse(text) as unknown)).map((value) => bytesOf(stringify(value) ?? '')),
    ),
  async open() {
    return { read: (input) => validateManifest(Buffer.from(input).toString(), 'pipeline.yaml') };
  },
};
