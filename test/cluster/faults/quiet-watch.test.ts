import { expect } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathOf } from '../../../operator/kube/client/resources.ts';
import { pipelines } from '../../../operator/kube/objects/r1-kinds.ts';
import { watchEvents } from '../../../operator/kube/client/watch-stream.ts';
import { describeCluster } from '../support/describe-cluster.ts';
import { startOperator } from '../support/operator.ts';
import { Pipelines, row } from '../support/pipelines.ts';
import { flags } from './crash.ts';
import { longTest } from './long.ts';
import { Witness } from './witness.ts';

const quietMs = 600_000;
/** What is promised of a change that comes then. */
const seenMs = 1000;

describeCluster('a watch', (cluster) => {
  longTest(
    'that told nothing but bookmarks for ten minutes tells of the next change',
    async () => {
      await using witness = await Witness.of(cluster(), await cluster().namespace());
      const world = new Pipelines(cluster(), witness.namespace);
      const operator = await startOperator({ kubeconfig: cluster().kubeconfig, args: flags(world.namespace, 0) });
      try {
        await world.apply('resting', { suspend: true, stages: row(1) });
        const { metadata } = await world.pipeline('resting', 'Suspended');

        const query = { watch: true, allowWatchBookmarks: true, resourceVersion: metadata.resourceVersion };
        const body = await world.client.stream(
          pathOf(pipelines, world.namespace),
          query,
          AbortSignal.timeout(quietMs + 60_000),
        );
        const told: string[] = [];
        const listening = (async () => {
          for await (const { type } of watchEvents(body)) told.push(type);
        })().catch(() => undefined);
        await sleep(quietMs);
        expect(new Set(told)).toEqual(new Set(['BOOKMARK']));
        const metrics = await operator.metrics();

        const changedAt = performance.now();
        await world.client.mergePatch(pipelines, metadata, { spec: { suspend: false } });
        await witness.until('the stage is there', () => witness.hasStage('resting-first'), seenMs);
        const tookMs = Math.round(performance.now() - changedAt);
        console.log(`a stage ${tookMs} ms after its pipeline was resumed; before, ${told.length} bookmarks came`);
        expect(metrics).not.toMatch(/^r1_watch_restarts_total\{.*(silent|failed|expired)/m);
        body.destroy();
        await listening;
      } finally {
        await operator.kill();
        await world.close();
      }
    },
    quietMs + 120_000,
  );
});
