import { createLogger } from '../../operator/kube/logger.ts';
import { Controller, type ControllerOptions } from '../../operator/kube/controller.ts';
import { OperatorMetrics } from '../../operator/kube/metrics.ts';
import { noStageDefaults } from '../../operator/kube/apply/stage-defaults.ts';
import type { MemoryApi } from './memory-api.ts';

/** A controller that leads, with full caches, until the block ends. */
export async function runController(
  { api }: MemoryApi,
  more: Partial<ControllerOptions> = {},
): Promise<Controller & AsyncDisposable> {
  const logger = Object.assign(createLogger('error'), { silent: true });
  const controller = new Controller({
    client: api.client(),
    namespaces: [],
    image: 'r1-operator:test',
    hubEndpoint: undefined,
    defaults: noStageDefaults,
    metrics: new OperatorMetrics(),
    logger,
    ...more,
  });
  await controller.watch();
  controller.start();
  return Object.assign(controller, {
    async [Symbol.asyncDispose]() {
      await controller.stop();
    },
  });
}
