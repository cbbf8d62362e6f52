/**
 * The peer: a program that only creates the next Job when the last one completed. It keeps no state, makes no decision
 * and reports nothing; whatever else an operator does costs it speed against this.
 *
 *   node sequencer.ts KUBECONFIG NAMESPACE TEMPLATE PIPELINE…
 */
import { readFile } from 'node:fs/promises';
import { KubeConfig } from '@kubernetes/client-node';
import { labels } from '../../operator/api/metadata.ts';
import { KubeClient } from '../../operator/kube/client.ts';
import { Reflector } from '../../operator/kube/reflector.ts';
import { jobs, volumeClaims } from '../../operator/kube/resources.ts';
import { isComplete } from './job-times.ts';
import { createdAtOnce } from './pipelines.ts';
import { instantiate, type PipelineTemplate } from './job-template.ts';

const [kubeconfig, namespace, templateFile, ...pipelines] = process.argv.slice(2);
if (kubeconfig === undefined || namespace === undefined || templateFile === undefined) throw new Error('see above');

const config = new KubeConfig();
config.loadFromFile(kubeconfig);
const client = new KubeClient(config, { name: 'sequencer' });
const template = JSON.parse(await readFile(templateFile, 'utf8')) as PipelineTemplate;

const nextStage = new Map(pipelines.map((pipeline) => [pipeline, 0]));
let unfinished = pipelines.length;
const reflector = new Reflector({ client, kind: jobs, namespaces: [namespace] });
reflector.onChange((before, after) => {
  const pipeline = after?.metadata.labels?.[labels.pipeline];
  if (pipeline === undefined || !isComplete(after) || isComplete(before)) return;
  void createNext(pipeline);
});
await reflector.start();
await Promise.all(Array.from({ length: createdAtOnce }, createFirst));

async function createFirst(): Promise<void> {
  for (let pipeline = pipelines.shift(); pipeline !== undefined; pipeline = pipelines.shift()) {
    // oxlint-disable no-await-in-loop -- one of ten loops
    await client.create(volumeClaims, instantiate(template.claim, template.pipeline, pipeline, namespace ?? ''));
    await createNext(pipeline);
    // oxlint-enable no-await-in-loop
  }
}

async function createNext(pipeline: string): Promise<void> {
  const stage = nextStage.get(pipeline) ?? 0;
  nextStage.set(pipeline, stage + 1);
  const job = template.jobs[stage];
  if (job !== undefined) {
    await client.create(jobs, instantiate(job, template.pipeline, pipeline, namespace ?? ''));
    return;
  }
  unfinished--;
  if (unfinished > 0) return;
  await reflector.stop();
  await client.close();
}
