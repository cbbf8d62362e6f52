import type { ServerResponse } from 'node:http';
import type { SeenRequest } from './seen-request.ts';

/** Answers with a Status instead of asking the API server. */
export function refuse(
  seen: SeenRequest,
  response: ServerResponse,
  fault: { answer: number; retryAfterSeconds?: number },
): void {
  seen.status = fault.answer;
  const retryAfter = fault.retryAfterSeconds;
  response
    .writeHead(fault.answer, {
      'content-type': 'application/json',
      ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
    })
    .end(JSON.stringify(failure(fault.answer)));
}

/** Opens a watch and ends it with an error event. */
export function endWatch(seen: SeenRequest, response: ServerResponse, code: number): void {
  seen.status = 200;
  const event = { type: 'ERROR', object: failure(code) };
  response.writeHead(200, { 'content-type': 'application/json' }).end(`${JSON.stringify(event)}\n`);
}

const reasons: Readonly<Record<number, string>> = {
  409: 'Conflict',
  410: 'Expired',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
};

function failure(code: number): object {
  const reason = reasons[code] ?? 'Unknown';
  return { apiVersion: 'v1', kind: 'Status', metadata: {}, status: 'Failure', message: 'injected fault', reason, code };
}
