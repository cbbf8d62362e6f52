import { randomBytes } from 'node:crypto';
import type { KubeClient } from '../client/client.ts';
import { createNamed, createOwned } from '../client/create-owned.ts';
import { attemptJob } from '../objects/attempt-job.ts';
import type { Attempt } from '../objects/attempt.ts';
import { stages } from '../objects/r1-kinds.ts';
import { servesPage } from '../objects/layout.ts';
import { reviewSecret } from '../objects/review-secret.ts';
import { rolloutNetworkPolicy } from '../objects/rollout-network-policy.ts';
import { rolloutSecret } from '../objects/rollout-secret.ts';
import { rolloutService } from '../objects/rollout-service.ts';
import { stageConfigMap } from '../objects/stage-config-map.ts';
import { configMaps, jobs, networkPolicies, secrets, services, type Job, type Stored } from '../client/resources.ts';

/**
 * Makes everything that an attempt consists of, what its pod needs first. All names follow from stage and attempt, so
 * that a start which was cut short anywhere is simply made again. Rollout workers follow later.
 *
 * @returns the attempt's Job
 * @throws RefusedError
 */
export async function startAttempt(client: KubeClient, attempt: Attempt): Promise<Stored<Job>> {
  await createNamed(client, configMaps, stageConfigMap(attempt));
  if (servesPage(attempt.stage.spec)) await createNamed(client, secrets, reviewSecret(attempt, randomToken()));
  if (attempt.stage.spec.rolloutWorkers > 0) {
    await createNamed(client, secrets, rolloutSecret(attempt, randomToken()));
    await createOwned(client, networkPolicies, rolloutNetworkPolicy(attempt), stages);
    await createOwned(client, services, rolloutService(attempt), stages);
  }
  return createOwned(client, jobs, attemptJob(attempt), stages);
}

function randomToken(): string {
  return randomBytes(32).toString('base64url');
}
