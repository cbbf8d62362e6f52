import { resolve } from 'node:path';
import { device } from '../../trainer/contract/settings/device.ts';
import type { FileCheck } from '../../trainer/contract/settings/file-check.ts';
import { modelSourceShape } from '../../trainer/contract/settings/model.ts';
import { precision } from '../../trainer/contract/settings/training.ts';
import { pipelineStage, stageType } from '../api/resources/pipeline-stage.ts';
import { findInHubCache } from './hub-cache.ts';
import type { RunsHere } from './run-options.ts';
import { type Json, list, object, text } from './lenient.ts';

/**
 * Each stage with the model that it opens, whose sizes decide how much memory it needs. A stage from another one has a model
 * of the same sizes; stages and models with faults are left out.
 *
 * @param here where they run on this machine; else it is not asked what they compute on
 */
export function modelUses(spec: Json, folder: string, here: RunsHere | undefined): FileCheck['uses'] {
  const stages = list(spec['stages']).map(object);
  const { workers: defaultWorkers, precision: defaultPrecision, device: defaultDevice } = object(spec['defaults']);
  return stages.flatMap((value, index) => {
    const { data: stage } = pipelineStage.safeParse(value);
    if (stage === undefined || stage.review !== undefined) return [];
    const source = sourceOf(value, stages, object(spec['base']));
    const init = modelSourceShape.init.safeParse(source?.['init']).data;
    const directory = source && directoryOf(source, folder);
    if (init === undefined && directory === undefined) return [];
    const type = stageType(stage);
    const count = here?.workers ?? stage.workers ?? (typeof defaultWorkers === 'number' ? defaultWorkers : undefined);
    const asked = precision.safeParse(stage.precision ?? defaultPrecision).data ?? 'f32';
    return [
      {
        path: ['spec', 'stages', index],
        stage: stage.name,
        settings: { [type]: stage[type] },
        ...(init === undefined ? { directory } : { init }),
        precision: asked,
        ...(count !== undefined && { workers: count }),
        ...(here !== undefined && {
          device: here.device ?? stage.device ?? device.safeParse(defaultDevice).data ?? 'auto',
        }),
      },
    ];
  });
}

/** Where the sizes come from: up the stages that each starts from. */
function sourceOf(stage: Json, stages: readonly Json[], base: Json): Json | undefined {
  const own = stage['model'];
  if (own === undefined) return base;
  const from = text(object(own)['from']);
  if (from === undefined) return object(own);
  const before = stages.slice(0, stages.indexOf(stage));
  const other = before.find(({ name }) => name === from);
  return other && sourceOf(other, before, base);
}

function directoryOf(source: Json, folder: string): string | undefined {
  const hub = modelSourceShape.hf.safeParse(source['hf']).data;
  const path = text(source['path']);
  return path === undefined ? hub && findInHubCache(hub) : resolve(folder, path);
}
