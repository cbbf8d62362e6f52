import { cutBatch } from '../../trainer/engine/batches.ts';
import type { ThreadBackend } from '../../trainer/engine/threads/thread-backend.ts';
import type { ModelConfig } from '../../trainer/models/config.ts';
import { clipFactor } from '../../trainer/optim/clipping.ts';
import type { TrainStepWorkload } from '../workload.ts';
import { readWorkload, serve, startBackend, type Work } from './serve.ts';
import { supervisedBatch } from './supervised-batch.ts';

/** Gradient or update of a supervised step, which the engine does one after the other. */
function prepare(backend: ThreadBackend, config: ModelConfig, workload: TrainStepWorkload): Work {
  const { ids, hyper, checkSteps, part } = workload;
  const parts = cutBatch(supervisedBatch(ids), config);
  const gradient = () => backend.gradient(parts);
  let steps = 0;
  let scale = 1;
  const update = () => backend.update(hyper, ++steps, scale);
  return {
    repeat: part === 'gradient' ? gradient : update,
    async check() {
      const [losses, norms]: [number[], number[]] = [[], []];
      for (let step = 0; step < checkSteps; step++) {
        // oxlint-disable-next-line no-await-in-loop -- each step starts from the weights of the one before
        const { norm, results } = await gradient();
        losses.push(results.reduce((sum, { loss }) => sum + loss, 0));
        norms.push(norm);
        scale = clipFactor(norm, hyper.maxGradNorm);
        // oxlint-disable-next-line no-await-in-loop
        await update();
      }
      return { numbers: { loss: losses, 'gradient norm': norms } };
    },
  };
}

const workload = readWorkload() as TrainStepWorkload;
const { backend, config } = await startBackend(workload);
await serve(backend, prepare(backend, config, workload));
