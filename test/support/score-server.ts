import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll } from '@jest/globals';
import type { Sample } from '../../trainer/rewards/modules/protocol.ts';

export interface ScoreServer {
  readonly url: string;
  /** Samples of each request that it has answered with scores, in order. */
  readonly asked: readonly number[];
  /** Answers the next request with 503. */
  loseNext(): void;
}

/**
 * A service for the tests of a file that scores completions, as docs/rewards.md says what it is asked.
 *
 * @param key without which it answers 401
 */
export function useScoreServer(
  key: string,
  score: (sample: Sample) => number | null | { readonly error: string },
): () => ScoreServer {
  const asked: number[] = [];
  let loses = false;
  const server: Server = createServer((request, response) => {
    const respond = async (): Promise<void> => {
      const { samples } = (await json(request)) as { samples: Sample[] };
      const status = request.headers.authorization !== `Bearer ${key}` ? 401 : loses && samples.length > 0 ? 503 : 200;
      if (status === 503) loses = false;
      if (status === 200) asked.push(samples.length);
      response.writeHead(status).end(JSON.stringify({ scores: samples.map(score) }));
    };
    void respond();
  });
  let url = '';
  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/score`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  return () => ({ url, asked, loseNext: () => void (loses = true) });
}
