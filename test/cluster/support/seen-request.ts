import type { IncomingMessage } from 'node:http';

/** A request as the operator made it, and what became of it. */
export interface SeenRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly watch: boolean;
  /** Creates, changes or deletes something other than a Lease. */
  readonly write: boolean;
  readonly time: number;
  /** HTTP status that the operator got; undefined while there is none. */
  status?: number;
}

export function describeRequest({ method = 'GET', url = '/' }: IncomingMessage): SeenRequest {
  const { pathname, searchParams } = new URL(url, 'http://proxy');
  const lease = pathname.startsWith('/apis/coordination.k8s.io/');
  return {
    method,
    path: pathname,
    query: searchParams,
    watch: ['true', '1'].includes(searchParams.get('watch') ?? ''),
    write: !['GET', 'HEAD'].includes(method) && !lease,
    time: Date.now(),
  };
}
