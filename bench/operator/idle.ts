import { setTimeout as sleep } from 'node:timers/promises';
import { pipelines } from '../../operator/kube/objects/r1-kinds.ts';
import { startOperator } from '../../test/cluster/support/operator.ts';
import { openArena, userOf } from './arena.ts';
import { countRequests, type Requests } from './audit.ts';
import { pipeline } from './pipelines.ts';

export interface IdleMinutes {
  readonly seconds: number;
  readonly pipelines: number;
  readonly requests: Requests;
}

/** What the operator asks for while nothing changes: one pipeline has ended, the stage of another one runs and runs. */
export async function measureIdle(seconds: number): Promise<IdleMinutes> {
  const arena = await openArena();
  try {
    const operator = await startOperator(arena.operator);
    try {
      await arena.client.create(pipelines, pipeline('ended', arena.namespace, 'kwok/succeed', 1));
      await arena.client.create(pipelines, pipeline('running', arena.namespace, 'kwok/run', 1));
      const state = async (name: string): Promise<string | undefined> =>
        (await arena.client.get(pipelines, { namespace: arena.namespace, name })).status?.display?.state;
      // oxlint-disable-next-line no-await-in-loop -- until it is so
      while ((await state('ended')) !== 'Succeeded' || (await state('running')) !== 'Running') await sleep(500);
      await sleep(15_000); // the first looks at the progress of a stage that began
      const begunAt = Date.now();
      await sleep(seconds * 1000);
      const requests = await countRequests(arena.auditLog, userOf('operator'), begunAt, Date.now());
      return { seconds, pipelines: 2, requests };
    } finally {
      await operator.stop();
    }
  } finally {
    await arena.close();
  }
}
