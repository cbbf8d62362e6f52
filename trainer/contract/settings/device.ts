import { z } from 'zod';

export const devices = ['auto', 'cpu', 'cuda'] as const;

export const device = z
  .enum(devices)
  .describe(
    'Where the stage computes: on NVIDIA GPUs (cuda) or not (cpu). auto: on GPUs where the pod asks for nvidia.com/gpu, which fails where there is none that can be used; else wherever it can. (auto)',
  );
export type Device = z.infer<typeof device>;
