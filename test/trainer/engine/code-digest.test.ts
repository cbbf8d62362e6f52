import { execSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { codeDigest } from '../../../trainer/engine/code-digest.ts';

test('is what the tools of a shell say of the sources', () => {
  const command = "find trainer -name '*.ts' | LC_ALL=C sort | xargs sha256sum | sha256sum";
  expect(execSync(command, { encoding: 'utf8' })).toBe(`${codeDigest()}  -\n`);
});
