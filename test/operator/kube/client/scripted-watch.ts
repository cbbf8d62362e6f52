import type { WatchEnd, WatchTiming } from '../../../../operator/kube/client/list-watch.ts';
import { Informer, type InformerOptions } from '../../../../operator/kube/client/informer.ts';
import { configMaps, type ConfigMap, type Stored } from '../../../../operator/kube/client/resources.ts';
import { answerJson, answerStatus, FakeApi, type Answer, type FakeRequest } from '../../../support/fake-api.ts';

export const timing: WatchTiming = { silenceMs: 10_000, lifeSeconds: [300, 300], backoffMs: [1, 20] };

export function object(name: string, version: number, uid = `uid-${name}`, namespace = 'team') {
  return {
    metadata: { name, namespace, uid, resourceVersion: String(version), managedFields: [{}] },
    data: { version: String(version) },
  };
}

export function event(type: string, name: string, version: number, uid?: string): string {
  return `${JSON.stringify({ type, object: object(name, version, uid) })}\n`;
}

export function bookmark(version: number): string {
  return `${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: String(version) } } })}\n`;
}

export const expired = `${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } })}\n`;

export function list(version: number, ...items: object[]): Answer {
  return (_, response) => answerJson(response, { metadata: { resourceVersion: String(version) }, items });
}

/** A watch that says this and stays open. */
export function open(...events: string[]): Answer {
  return (_, response) => {
    response.writeHead(200).flushHeaders();
    if (events.length > 0) response.write(events.join(''));
  };
}

/** A watch that says this and ends in order. */
export function ended(...events: string[]): Answer {
  return (_, response) => void response.writeHead(200).end(events.join(''));
}

/** Not the last part of a list, unless the token of the next is empty. */
export function page(next: string, ...items: object[]): Answer {
  return (_, response) => answerJson(response, { metadata: { resourceVersion: '1', continue: next }, items });
}

export function refused(code: number, reason: string): Answer {
  return (_, response) => answerStatus(response, code, reason);
}

/** Answers lists and watches each in their order, the last one for ever. */
export async function script(answers: { lists: Answer[]; watches: Answer[] }): Promise<FakeApi> {
  const next = { lists: 0, watches: 0 };
  return FakeApi.start((request, response) => {
    const kind = request.query.has('watch') ? 'watches' : 'lists';
    const answer = answers[kind][Math.min(next[kind]++, answers[kind].length - 1)];
    return answer?.(request, response);
  });
}

/** A informer that wrote down what it said. */
export class Observed {
  readonly informer: Informer<ConfigMap>;
  readonly changes: string[] = [];
  readonly restarts: WatchEnd[] = [];

  constructor(api: FakeApi, options: Partial<InformerOptions<ConfigMap>> = {}) {
    this.informer = new Informer({
      client: api.client(),
      kind: configMaps,
      timing,
      onRestart: (_, why) => this.restarts.push(why),
      ...options,
    });
    this.informer.onChange((before, after) =>
      this.changes.push(`${describeObject(before)} → ${describeObject(after)}`),
    );
  }

  get state(): Record<string, string | undefined> {
    return Object.fromEntries([...this.informer.store].map(([key, { data }]) => [key, data?.['version']]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.informer.stop();
  }
}

export function describeObject(each: Stored<ConfigMap> | undefined): string {
  return each === undefined ? '·' : `${each.metadata.name}@${each.metadata.resourceVersion}`;
}

export const watchesOf = ({ requests }: FakeApi): FakeRequest[] => requests.filter(({ query }) => query.has('watch'));
export const listsOf = ({ requests }: FakeApi): FakeRequest[] => requests.filter(({ query }) => !query.has('watch'));
