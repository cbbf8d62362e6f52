/**
 * The peer: a program that only creates the next Job when the last one completed. It keeps no state, makes no decision
 * and reports nothing; whatever else an operator does costs it speed against this. With another template it writes what an
 * operator's objects are besides, and decides no more: what those cost by themselves.
 *
 *   node sequencer.ts KUBECONFIG NAMESPACE TEMPLATE PIPELINE…
 */
import { readFile } from 'node:fs/promises';
import { KubeConfig } from '@kubernetes/client-node';
import { labels } from '../../operator/api/resources/metadata.ts';
import { KubeClient } from '../../operator/kube/client/client.ts';
import { Informer } from '../../operator/kube/client/informer.ts';
import { jobs } from '../../operator/kube/client/resources.ts';
import { isComplete } from './job-times.ts';
import { createdAtOnce } from './pipelines.ts';
import { instantiate, type Template } from './templates.ts';

const [kubeconfig, namespace, templateFile, ...pipelines] = process.argv.slice(2);
if (kubeconfig === undefined || namespace === undefined || templateFile === undefined) throw new Error('see above');

const config = new KubeConfig();
config.loadFromFile(kubeconfig);
const client = new KubeClient(config, { name: 'sequencer' });
const template = JSON.parse(await readFile(templateFile, 'utf8')) as Template;

const nextStep = new Map(pipelines.map((pipeline) => [pipeline, 0]));
let unfinished = pipelines.length;
const informer = new Informer({ client, kind: jobs, namespaces: [namespace] });
informer.onChange((before, after) => {
  const pipeline = after?.metadata.labels?.[labels.pipeline];
  if (pipeline === undefined || !isComplete(after) || isComplete(before)) return;
  void createNext(pipeline);
});
await informer.start();
await Promise.all(Array.from({ length: createdAtOnce }, createFirst));

async function createFirst(): Promise<void> {
  for (let pipeline = pipelines.shift(); pipeline !== undefined; pipeline = pipelines.shift()) {
    await createNext(pipeline); // oxlint-disable-line no-await-in-loop -- one of ten loops
  }
}

async function createNext(pipeline: string): Promise<void> {
  const step = nextStep.get(pipeline) ?? 0;
  nextStep.set(pipeline, step + 1);
  for (const each of template.steps[step] ?? []) {
    const { resource, object, what } = instantiate(each, template.pipeline, pipeline, namespace ?? '');
    // oxlint-disable no-await-in-loop -- each needs the one before
    if (what === 'object') await client.create(resource, object);
    else await client.applyStatus(resource, object as Parameters<typeof client.applyStatus>[1], object.status);
    // oxlint-enable no-await-in-loop
  }
  if (step < template.steps.length - 1) return;
  unfinished--;
  if (unfinished > 0) return;
  await informer.stop();
  await client.close();
}
