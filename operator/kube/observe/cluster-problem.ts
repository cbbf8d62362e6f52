import { posix } from 'node:path';
import type { R1Pipeline } from '../../api/resources/pipeline.ts';
import type { StageSpec } from '../../api/resources/stage.ts';
import { controlProblem } from '../../core/pipeline/control-problems.ts';
import { gateProblem } from '../../core/pipeline/gate-metrics.ts';
import { guardProblem } from '../../core/pipeline/guard-data.ts';
import { checkValue } from '../../api/check/check-value.ts';
import { findCondition } from '../../api/resources/conditions.ts';
import { schemaOf } from '../../api/manifest.ts';
import { formatPath } from '../../api/check/value-problem.ts';
import { lostName } from '../../core/pipeline/plan.ts';

type Named = Pick<StageSpec, 'datasets' | 'volumes'> & {
  readonly models: readonly ({ readonly path?: string | undefined } | undefined)[];
};

const judged = new WeakMap<object, { readonly problem: string | undefined }>();

/** What a pipeline asks for that no cluster can give, in words. */
export function pipelineProblem(pipeline: R1Pipeline): string | undefined {
  const { datasets, volumes, base, stages } = pipeline.spec;
  const models = [base, ...stages.map(({ model }) => model)];
  return once(
    pipeline.spec,
    () =>
      brokenRule(pipeline) ??
      lostName(pipeline) ??
      gateProblem(pipeline) ??
      guardProblem(pipeline) ??
      controlProblem(pipeline) ??
      problemOf({ datasets, volumes, models }),
  );
}

/**
 * What the admission policy would have said, of a pipeline that got past it: it may have been applied before the policy was
 * in force. Judged once a generation, so that a newer operator does not end what an older one has begun.
 */
function brokenRule({ apiVersion, kind, metadata, spec, status }: R1Pipeline): string | undefined {
  const isJudged = status !== undefined && status.observedGeneration === metadata.generation;
  if (isJudged && findCondition(status?.conditions, 'Succeeded')?.reason !== 'UserError') return undefined;
  const { problems } = checkValue(schemaOf('R1Pipeline'), {
    apiVersion,
    kind,
    metadata: { name: metadata.name },
    spec,
  });
  // The API server keeps no field that its definition does not have: a definition newer than this operator has it.
  const known = problems.filter(({ unknown }) => unknown !== true);
  const messages = known.map(({ path, message }) => `${formatPath(path)}: ${message}`);
  return messages.length === 0 ? undefined : messages.join('; ');
}

/** The same of a stage that was applied without a pipeline. */
export function stageProblem(spec: StageSpec): string | undefined {
  return once(spec, () => problemOf({ ...spec, models: [spec.model] }));
}

/** Objects in memory are replaced, never changed. */
function once(spec: object, look: () => string | undefined): string | undefined {
  const found = judged.get(spec) ?? { problem: look() };
  judged.set(spec, found);
  return found.problem;
}

function problemOf({ datasets, volumes, models }: Named): string | undefined {
  const paths = [
    ...datasets.flatMap(({ file, heldOut }) => [file, heldOut?.file]),
    ...models.map((model) => model?.path),
  ];
  const lost = paths.find((path) => path !== undefined && !isMounted(path, volumes));
  if (lost === undefined) return undefined;
  const places = volumes.map(({ path }) => path).join(', ');
  return `${lost}: no such file in a pod; on a cluster a relative path must lie on one of spec.volumes${places === '' ? '' : ` (${places})`}`;
}

/** An absolute path may be in the image; the trainer will say if it is not. */
function isMounted(path: string, volumes: StageSpec['volumes']): boolean {
  if (posix.isAbsolute(path)) return true;
  return volumes.some((volume) => {
    const below = posix.relative(volume.path, posix.normalize(path));
    return below !== '..' && !below.startsWith('../');
  });
}
