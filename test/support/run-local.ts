/**
 * `r1 run` without its display, as a process that a test can kill:
 *
 *   node run-local.ts MANIFEST STATE PLAN [GRACE_MS]
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { interruptible } from '../../cli/interruptible.ts';
import { validateManifest } from '../../operator/api/manifest.ts';
import { runPipeline } from '../../operator/local/run-pipeline.ts';

const [, , manifestFile = '', stateDir = '', plan = '', graceMs = '500'] = process.argv;
const [manifest] = validateManifest(readFileSync(manifestFile, 'utf8'), manifestFile).pipelines;
if (manifest === undefined) throw new Error(`${manifestFile}: no pipeline`);
const { exitCode, message } = await interruptible(console.log, (signals) =>
  runPipeline({
    manifest,
    manifestFile,
    stateDir,
    trainer: [process.execPath, join(import.meta.dirname, 'fake-trainer.ts'), plan],
    ...signals,
    graceMs: Number(graceMs),
    onEvent: (event) => {
      if (event.type === 'progress' || event.type === 'note') console.log(JSON.stringify(event));
    },
  }),
);
console.log(message);
process.exit(exitCode);
