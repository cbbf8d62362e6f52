import { createServer, type AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import { exitCodes } from '../../../trainer/contract/process/exit-codes.ts';
import { useTemporaryDirectory } from '../../support/temporary-directory.ts';
import { startTrainer } from '../../support/trainer.ts';

const directory = useTemporaryDirectory();

/** A port of this machine: one that takes connections and never says anything, or one that nobody listens on. */
async function port(listens: boolean) {
  const server = createServer(() => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: number } = server.address() as AddressInfo;
  const close = () => new Promise((resolve) => server.close(resolve));
  if (!listens) await close();
  return { address: `127.0.0.1:${number}`, [Symbol.dispose]: () => void (listens && server.close()) };
}

const says = (host: string, why: string, proxy = '') =>
  `unavailable: model owner/name at revision main: http://${host} cannot be reached: ${why}; check HF_ENDPOINT, and what lies between: DNS, firewalls, ${proxy}HTTPS_PROXY, NO_PROXY\n`;

// As many seconds as a download that goes on is given would be too many before the first word.
test('a Hub that cannot be reached is said in one message: who, what was found, and what to do', async () => {
  using silent = await port(true);
  const closed = await port(false);
  const ways = {
    closed: { HF_ENDPOINT: `http://${closed.address}` },
    silent: { HF_ENDPOINT: `http://${silent.address}` },
    proxy: {
      HF_ENDPOINT: 'http://hub.example',
      HTTP_PROXY: `http://somebody:secret@${silent.address}`,
      NO_PROXY: '',
      NODE_USE_ENV_PROXY: '1',
    },
    noName: { HF_ENDPOINT: 'http://hub.invalid', NO_PROXY: '*' },
  };
  const fetch = ['fetch', '--repo', 'owner/name', '--to', directory()];
  const ended = Object.entries(ways).map(async ([way, env]) => {
    const { code, stderr } = await startTrainer(fetch, { env }).ended;
    return [way, { code, stderr }] as const;
  });
  const { unavailable: code } = exitCodes;
  const silence = 'no answer in 12 s';
  expect(Object.fromEntries(await Promise.all(ended))).toEqual({
    closed: { code, stderr: says(closed.address, `fetch failed: connect ECONNREFUSED ${closed.address}`) },
    silent: { code, stderr: says(silent.address, silence) },
    proxy: { code, stderr: says('hub.example', silence, `the proxy ${silent.address}, `) },
    noName: {
      code,
      stderr: expect.stringMatching(/^unavailable: .* http:\/\/hub\.invalid cannot be reached: .*hub\.invalid; check/),
    },
  });
}, 60_000);
