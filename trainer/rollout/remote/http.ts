import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { z } from 'zod';

/** A request that is answered with this status and sentence. */
export class HttpError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Compares in a time that does not tell how much of the token was right. */
export class BearerToken {
  readonly #digest: Uint8Array;

  constructor(token: string) {
    this.#digest = sha256(`Bearer ${token}`);
  }

  matches(request: IncomingMessage): boolean {
    return timingSafeEqual(sha256(request.headers.authorization ?? ''), this.#digest);
  }
}

/** A listener that lets requests with the token through to `route`, and answers what that throws. */
export function answering(
  token: string,
  route: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): RequestListener {
  const bearer = new BearerToken(token);
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      if (!bearer.matches(request)) throw new HttpError(401, 'another token');
      await route(request, response);
    } catch (error) {
      if (cutOffOnceBegun(response)) return;
      const [status, message] =
        error instanceof HttpError ? [error.status, error.message] : [500, 'the learner failed to answer'];
      if (status === 500) console.error(error);
      response.setHeader('connection', 'close'); // the rest of the request is not read
      sendJson(response, status, { error: message });
    }
  };
  return (request, response) => void answer(request, response);
}

/** Cuts off an answer that has begun, or whose client is gone: nothing can be told in it any more. */
export function cutOffOnceBegun(response: ServerResponse): boolean {
  if (!response.headersSent && !response.destroyed) return false;
  response.destroy();
  return true;
}

function sha256(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}

/**
 * The body of a request, as the schema wants it.
 *
 * @throws HttpError 413 for more bytes than allowed, 400 for anything else than such JSON
 */
export async function readJson<T extends z.ZodType>(
  request: IncomingMessage,
  schema: T,
  mostBytes: number,
): Promise<z.infer<T>> {
  const body = await readBody(request, mostBytes);
  if (body === undefined) throw new HttpError(413, `more than ${mostBytes} bytes`);
  let json: unknown;
  try {
    json = JSON.parse(body.toString('utf8'));
  } catch {
    throw new HttpError(400, 'expected JSON');
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new HttpError(400, `${issue?.path.join('.')}: ${issue?.message}`);
}

/** The body of a request; undefined where it has more bytes than allowed, of which the rest is not read. */
export async function readBody(request: IncomingMessage, mostBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > mostBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export function sendJson(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}
