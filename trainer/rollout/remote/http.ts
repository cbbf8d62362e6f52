import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
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
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw new HttpError(413, `more than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  let json: unknown;
  try {
    json = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new HttpError(400, 'expected JSON');
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new HttpError(400, `${issue?.path.join('.')}: ${issue?.message}`);
}

export function sendJson(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}
