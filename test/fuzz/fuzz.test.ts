import { expect, test } from '@jest/globals';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';
import { targets } from './targets.ts';
import { tryInputs } from './try-inputs.ts';

const directory = useTemporaryDirectory();

// `npm run test:fuzz` tries many more, in processes of their own, and looks at time and memory.
test.each(targets)('$name: a damaged input is read or refused in words', async (target) => {
  const reader = await target.open(directory());
  try {
    expect(await tryInputs(target, reader, { cases: 300, seed: 1 })).toMatchObject({ cases: 300 });
  } finally {
    await reader.close?.();
  }
});
