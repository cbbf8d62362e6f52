import { readFile } from 'node:fs/promises';

/** What the API server's audit log says that one user asked for. */
export interface Requests {
  /** Without those for Leases, which renew leadership at a rate of their own. */
  readonly total: number;
  readonly writes: number;
  readonly leases: number;
  /** Number of requests by what was asked, such as `create batch/jobs` or `patch r1.dev/r1stages/status`. */
  readonly byKind: Readonly<Record<string, number>>;
}

/** The fields of an audit event that are read here. */
interface AuditEvent {
  readonly stage: string;
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: { readonly resource?: string; readonly subresource?: string; readonly apiGroup?: string };
  readonly requestURI: string;
  readonly stageTimestamp: string;
}

const writingVerbs = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

/**
 * Logs a line when a request has been answered, for these users alone: an independent count of what each side asks for,
 * at a cost that both sides bear alike.
 */
export function auditPolicy(users: readonly string[]): object {
  return {
    apiVersion: 'audit.k8s.io/v1',
    kind: 'Policy',
    omitStages: ['RequestReceived'],
    rules: [{ level: 'Metadata', users }, { level: 'None' }],
  };
}

/** Counts the requests of a user that began to be answered from one moment to another, in milliseconds since the epoch. */
export async function countRequests(logFile: string, user: string, from: number, to: number): Promise<Requests> {
  return countLines((await readFile(logFile, 'utf8')).split('\n'), user, from, to);
}

export function countLines(lines: readonly string[], user: string, from: number, to: number): Requests {
  const byKind: Record<string, number> = {};
  let [total, writes, leases] = [0, 0, 0];
  for (const line of lines) {
    if (line === '') continue;
    const event = JSON.parse(line) as AuditEvent;
    const at = Date.parse(event.stageTimestamp);
    // A watch is answered for minutes: what counts is that it was asked for.
    const counted = event.verb === 'watch' ? 'ResponseStarted' : 'ResponseComplete';
    if (event.stage !== counted || event.user.username !== user || at < from || at > to) continue;
    if (event.objectRef?.resource === 'leases') {
      leases++;
      continue;
    }
    total++;
    if (writingVerbs.has(event.verb)) writes++;
    const kind = `${event.verb} ${whatOf(event)}`;
    byKind[kind] = (byKind[kind] ?? 0) + 1;
  }
  return { total, writes, leases, byKind };
}

function whatOf({ objectRef, requestURI }: AuditEvent): string {
  if (objectRef?.resource === undefined) return requestURI.split('?')[0] ?? requestURI;
  return [objectRef.apiGroup, objectRef.resource, objectRef.subresource].filter(Boolean).join('/');
}
