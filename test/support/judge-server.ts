import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll } from '@jest/globals';

/** Tokens that each of its answers says that it took. */
const tokens = 7;

export interface JudgeServer {
  /** Where OpenAI's API begins. */
  readonly url: string;
  /** Every question so far. */
  readonly asked: readonly string[];
  stop(): void;
}

/** A server for the tests of a file that answers questions as a judge on OpenAI's API would. */
export function useJudgeServer(verdict: (question: string) => string): () => JudgeServer {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const [{ content }] = (JSON.parse(text) as { messages: [{ content: string }] }).messages;
      asked.push(content);
      const answer = { choices: [{ message: { content: verdict(content) } }], usage: { total_tokens: tokens } };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
  });
  let port: number;
  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  });
  const stop = (): Server => {
    server.closeAllConnections();
    return server.close();
  };
  afterAll(() => void stop());
  return () => ({ url: `http://127.0.0.1:${port}/v1`, asked, stop: () => void stop() });
}
