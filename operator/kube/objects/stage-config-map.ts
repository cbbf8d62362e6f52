import type { StageFile } from '../../../trainer/contract/stage-file.ts';
import { stageFile } from '../../core/plan.ts';
import type { ConfigMap } from '../resources.ts';
import type { Attempt } from './attempt.ts';
import { ownedBy, stageLabels } from './labels.ts';
import { attemptDirectory, mounts, placesInPod, rolloutPort, rolloutTokenFile } from './layout.ts';
import { attemptName } from './names.ts';

/** What the trainer of one attempt is told. */
export function stageConfigMap({ stage, number }: Attempt): ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: attemptName(stage.metadata.name, number),
      ...(stage.metadata.namespace === undefined ? {} : { namespace: stage.metadata.namespace }),
      labels: stageLabels(stage),
      ownerReferences: ownedBy(stage),
    },
    immutable: true,
    data: { 'stage.json': JSON.stringify(fileOf({ stage, number })) },
  };
}

function fileOf({ stage, number }: Pick<Attempt, 'stage' | 'number'>): StageFile {
  const { uid = '' } = stage.metadata;
  const earlier = Array.from({ length: number - 1 }, (_, index) => index + 1);
  return {
    ...stageFile(stage, number, placesInPod(stage, number)),
    takeOver: earlier.map((each) => `${mounts.out}/${attemptDirectory(uid, each)}`),
    ...(stage.spec.rolloutWorkers === 0 ? {} : { rollout: { port: rolloutPort, tokenFile: rolloutTokenFile } }),
  };
}
