import { setTimeout as sleep } from 'node:timers/promises';
import { describeCluster } from '../support/describe-cluster.ts';
import { flags } from './crash.ts';
import { Deployment } from './deployment.ts';
import { expectOrder } from './expect-order.ts';
import { longTest } from './long.ts';
import { applyShapes, shapes } from './shapes.ts';
import { Witness } from './witness.ts';

describeCluster(
  'pipelines survive three restarts of',
  (cluster) => {
    longTest.each(['kube-apiserver', 'etcd', 'kube-controller-manager', 'kube-scheduler'] as const)(
      '%s',
      async (program) => {
        await using witness = await Witness.of(cluster(), await cluster().namespace());
        await using operator = await Deployment.start({
          kubeconfig: cluster().kubeconfig,
          args: flags(witness.namespace, 0),
        });
        await applyShapes(cluster(), witness.namespace, shapes);
        for (let restart = 0; restart < 3; restart++) {
          // oxlint-disable no-await-in-loop -- one after the other
          await sleep(3000);
          await cluster().stop(program);
          await sleep(3000);
          await cluster().start(program);
          // oxlint-enable no-await-in-loop
        }
        await witness.until('all pipelines have ended', () => witness.hasEnded(shapes.length), 180_000);
        console.log(`${program} was started again three times, the operator ${operator.restarts} times`);
        expectOrder(witness, shapes);
      },
      300_000,
    );
  },
  { own: true, durable: true },
);
