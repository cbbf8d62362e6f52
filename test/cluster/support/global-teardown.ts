import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sharedState, takeDown } from './control-plane.ts';
import { testRunDirectory } from './test-run.ts';

/** Ends the control plane that the test files shared, and says which of them were skipped. */
export default async function tearDown(): Promise<void> {
  const directory = testRunDirectory();
  if (!existsSync(directory)) return;
  if (existsSync(sharedState())) await takeDown(sharedState());
  const skipped = join(directory, 'skipped');
  for (const what of existsSync(skipped) ? readdirSync(skipped) : []) {
    console.warn(`\nSKIPPED ${decodeURIComponent(what)}: ${readFileSync(join(skipped, what), 'utf8')}`);
  }
  await rm(directory, { recursive: true, force: true });
}
