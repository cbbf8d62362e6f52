import { apiVersion } from '../../api/resources/metadata.ts';
import type { R1Pipeline } from '../../api/resources/pipeline.ts';
import type { R1Stage } from '../../api/resources/stage.ts';
import { namespacedKind } from '../client/resources.ts';

export const pipelines = namespacedKind<R1Pipeline>(apiVersion, 'R1Pipeline', 'r1pipelines');
export const stages = namespacedKind<R1Stage>(apiVersion, 'R1Stage', 'r1stages');
