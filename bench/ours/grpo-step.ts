import type { GrpoStepWorkload } from '../workload.ts';
import { startIdPolicy } from './id-policy.ts';
import { prepareGrpoStep } from './prepare-grpo-step.ts';
import { readWorkload, serve } from './serve.ts';

const workload = readWorkload() as GrpoStepWorkload;
const policy = await startIdPolicy(workload);
await serve(policy, await prepareGrpoStep(policy, workload));
