import type { z } from 'zod';
import { object } from '../../../trainer/contract/settings/schema.ts';
import { podSettingsShape } from './pod.ts';
import { placementShape, podShape } from './scheduling.ts';

const { resourceClaims: _, ...podSettings } = podSettingsShape;
const { nodeSelector, tolerations, affinity, runtimeClassName, priorityClassName } = placementShape;
const { imagePullSecrets } = podShape;

const shape = {
  nodeSelector,
  tolerations,
  affinity,
  runtimeClassName,
  priorityClassName,
  ...podSettings,
  imagePullSecrets: imagePullSecrets.unwrap().optional(),
};

/** What a cluster adds to stages whose manifest leaves it out: people write pipelines without knowing its nodes. */
export const stageDefaults = object({
  all: object(shape).prefault({}).describe('For the pods of every stage.'),
  gpu: object(shape).prefault({}).describe('For stages that ask for GPUs; goes before what is for all.'),
});
export type StageDefaults = z.infer<typeof stageDefaults>;
