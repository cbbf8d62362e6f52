import type { Engine, TrainingBatch } from '../../trainer/engine/engine.ts';
import type { TrainStepWorkload } from '../workload.ts';
import { readWorkload, serve, startEngine, type Work } from './serve.ts';

/** One supervised step on a fixed batch; the loss is the mean over all targets. */
function prepare(engine: Engine, { ids, hyper, checkSteps }: TrainStepWorkload): Work {
  const targets = ids.reduce((sum, row) => sum + row.length - 1, 0);
  const batch: TrainingBatch = {
    loss: 'sft',
    sequences: ids.map((row) => ({
      ids: row,
      weights: row.map((_, at) => (at < row.length - 1 ? 1 / targets : 0)),
    })),
  };
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
