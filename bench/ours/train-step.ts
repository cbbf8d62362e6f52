import type { Engine } from '../../trainer/engine/engine.ts';
import type { TrainStepWorkload } from '../workload.ts';
import { readWorkload, serve, startEngine, type Work } from './serve.ts';
import { supervisedBatch } from './supervised-batch.ts';

/** One supervised step on a fixed batch. */
function prepare(engine: Engine, { ids, hyper, checkSteps }: TrainStepWorkload): Work {
  const batch = supervisedBatch(ids);
  const repeat = () => engine.step(batch, hyper);
  return {
    repeat,
    async check() {
      const [losses, norms]: [number[], number[]] = [[], []];
      for (let step = 0; step < checkSteps; step++) {
        // oxlint-disable-next-line no-await-in-loop -- each step starts from the weights of the one before
        const { loss, gradNorm } = await repeat();
        losses.push(loss);
        norms.push(gradNorm);
      }
      return { numbers: { loss: losses, 'gradient norm': norms } };
    },
  };
}

const workload = readWorkload() as TrainStepWorkload;
const engine = await startEngine(workload, { optimizer: true });
await serve(engine, prepare(engine, workload));
