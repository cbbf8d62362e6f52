import { expect, test } from '@jest/globals';
import { attemptJob } from '../../../../operator/kube/objects/attempt-job.ts';
import { stageOf } from '../../../support/stage-objects.ts';

test('a claim is one volume of the pod, whatever lies on it', () => {
  const stage = stageOf(`
model: {pvc: {claim: team, path: models/qwen3}}
datasets: [{name: chat, file: data/chat.jsonl, heldOut: {file: held/out.jsonl}}]
storage: {claimName: team}
volumes: [{path: data, claim: team, subPath: chat}, {path: held, claim: other}, {path: more, claim: other, subPath: v2}]
sft: {data: [chat]}`);
  const job = attemptJob({
    stage,
    number: 1,
    madeFrom: '',
    madeWith: {},
    image: 'r1-operator:0.1.0',
    claim: 'team',
    goneRuns: [],
  });
  const { volumes = [], containers = [] } = job.spec?.template.spec ?? {};
  const claims = volumes.flatMap(({ name, persistentVolumeClaim: claim }) => (claim ? [[name, claim]] : []));
  expect(claims).toEqual([
    ['volume', { claimName: 'team' }],
    ['files-1', { claimName: 'other' }],
  ]);
  const mounts = (containers[0]?.volumeMounts ?? []).map(({ name, mountPath, subPath, readOnly }) =>
    [name, mountPath, subPath ?? '', readOnly ? 'ro' : 'rw'].join(' '),
  );
  expect(mounts).toEqual([
    'stage /r1/stage.json stage.json ro',
    'volume /r1/out team/sums/zero rw',
    'volume /r1/base models/qwen3 ro',
    'volume /r1/files/data chat ro',
    'files-1 /r1/files/held  ro',
    'files-1 /r1/files/more v2 ro',
    'tmp /tmp  rw',
  ]);
});
