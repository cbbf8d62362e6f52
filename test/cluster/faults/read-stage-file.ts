import type { KubeClient } from '../../../operator/kube/client/client.ts';
import { configMaps, jobs } from '../../../operator/kube/client/resources.ts';
import type { StageFile } from '../../../trainer/contract/settings/stage-file.ts';

/** What the trainer of an attempt is told, by the name of the attempt's Job. */
export async function readStageFile(client: KubeClient, namespace: string, job: string): Promise<StageFile> {
  const { spec } = await client.get(jobs, { namespace, name: job });
  const volume = spec?.template.spec?.volumes?.find(({ name }) => name === 'stage');
  const { data } = await client.get(configMaps, { namespace, name: volume?.configMap?.name ?? '' });
  return JSON.parse(data?.['stage.json'] ?? '') as StageFile;
}
