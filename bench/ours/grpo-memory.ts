import { parseHfConfig } from '../../trainer/models/config.ts';
import type { GrpoMemoryWorkload } from '../grpo-memory.ts';
import { idPolicy } from './id-policy.ts';
import { noiseWeights } from './noise-weights.ts';
import { prepareGrpoStep } from './prepare-grpo-step.ts';
import { readWorkload, serve } from './serve.ts';

const workload = readWorkload() as GrpoMemoryWorkload;
const config = { ...parseHfConfig(workload.config, 'the workload'), lora: workload.lora };
const policy = await idPolicy(
  { config, parameters: noiseWeights(config) },
  { workers: workload.workers, stopIds: [], tokenizerDirectory: '' },
);
await serve(policy, await prepareGrpoStep(policy, workload));
