import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Informer } from '../../operator/kube/client/informer.ts';
import { pipelines } from '../../operator/kube/objects/r1-kinds.ts';
import { startOperator } from '../../test/cluster/support/operator.ts';
import type { Arena, Side } from './arena.ts';
import type { Template } from './templates.ts';
import { createdAtOnce, pipeline } from './pipelines.ts';

/** One side, ready to run pipelines on an arena. */
export interface Contender {
  /** Starts with these pipelines; `done` settles once the last stage of the last of them has succeeded. */
  begin(namespace: string, names: readonly string[]): { readonly pid: number; readonly done: Promise<void> };
  stop(): Promise<void>;
}

const image = 'kwok/succeed';

/** The real operator, which is given R1Pipelines. */
export async function operatorContender(arena: Arena): Promise<Contender> {
  const operator = await startOperator(arena.operator);
  const succeeded = new Set<string>();
  const failed: string[] = [];
  const watch = new Informer({ client: arena.client, kind: pipelines });
  watch.onChange((_, after) => {
    const end = after?.status?.conditions.find(({ type }) => type === 'Succeeded');
    if (after === undefined || end === undefined) return;
    if (end.status === 'True') succeeded.add(`${after.metadata.namespace}/${after.metadata.name}`);
    if (end.status === 'False') failed.push(`${after.metadata.name}: ${end.message}`);
  });
  await watch.start();
  return {
    begin: (namespace, names) => ({
      pid: operator.process.pid ?? 0,
      done: (async () => {
        const left = [...names];
        const create = async (): Promise<void> => {
          for (let name = left.shift(); name !== undefined; name = left.shift()) {
            // oxlint-disable-next-line no-await-in-loop -- one of several loops
            await arena.client.create(pipelines, pipeline(name, namespace, image));
          }
        };
        await Promise.all(Array.from({ length: createdAtOnce }, create));
        while (!names.every((name) => succeeded.has(`${namespace}/${name}`))) {
          if (operator.process.exitCode !== null || failed.length > 0) {
            throw new Error(`${failed[0] ?? 'the operator ended'}; its last words:\n${operator.log().slice(-3000)}`);
          }
          await sleep(20); // oxlint-disable-line no-await-in-loop -- until they have
        }
      })(),
    }),
    async stop() {
      await watch.stop();
      await operator.stop();
    },
  };
}

/** The sequencer, which is given what the operator made. */
export async function sequencerContender(arena: Arena, side: Side, template: Template): Promise<Contender> {
  const file = join(arena.directory, 'template.json');
  await writeFile(file, JSON.stringify(template));
  const program = join(import.meta.dirname, 'sequencer.ts');
  return {
    begin(namespace, names) {
      const args = [program, arena.kubeconfigs[side], namespace, file, ...names];
      const child = spawn(process.execPath, args, { stdio: 'inherit' });
      return {
        pid: child.pid ?? 0,
        done: once(child, 'exit').then(([code]) => {
          if (code !== 0) throw new Error(`the sequencer ended with ${code}`);
        }),
      };
    },
    stop: async () => undefined,
  };
}
