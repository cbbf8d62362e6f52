import { Writable } from 'node:stream';
import { expect, test } from '@jest/globals';
import { transports } from 'winston';
import { ApiError, ConnectionError } from '../../../operator/kube/client/api-error.ts';
import { createLogger, type LogLevel, type Logger } from '../../../operator/kube/logger.ts';

/** What a logger of this level writes, parsed. */
async function written(level: LogLevel, write: (log: Logger) => void): Promise<Record<string, unknown>[]> {
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const log = createLogger(level);
  log.clear().add(new transports.Stream({ stream }));
  write(log);
  log.end();
  await new Promise((resolve) => log.once('finish', resolve));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('one object a line with time, level and what was added', async () => {
  const lines = await written('info', (log) => {
    log.debug('not this');
    log.child({ kind: 'R1Stage' }).info('attempt started', { key: 'team/r1-zero', attempt: 2 });
  });
  expect(lines).toEqual([
    {
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      level: 'info',
      message: 'attempt started',
      kind: 'R1Stage',
      key: 'team/r1-zero',
      attempt: 2,
    },
  ]);
});

test('a line that is not written is not made', async () => {
  let isRead = false;
  const lines = await written('info', (log) => log.debug('pass', { toJSON: () => (isRead = true) }));
  expect({ lines, isRead }).toEqual({ lines: [], isRead: false });
});

test('an error is what it says and where from, with its cause, and not what it carries', async () => {
  const cause = Object.assign(new Error('socket hang up'), {
    code: 'ECONNRESET',
    headers: { authorization: 'secret' },
  });
  const lines = await written('info', (log) => {
    log.error('pass failed', { error: new ApiError(409, 'Conflict', 'look again') });
    log.error('pass failed', { error: new ConnectionError('GET /x: socket hang up', cause) });
  });
  expect(lines).toMatchObject([
    { error: { name: 'ApiError', message: 'look again', status: 409, reason: 'Conflict' } },
    { error: { name: 'ConnectionError', cause: { message: 'socket hang up', code: 'ECONNRESET' } } },
  ]);
  expect(JSON.stringify(lines)).not.toContain('secret');
});

test.each([
  { name: 'a token of Hugging Face', text: 'GET https://hub with hf_abcdefghijklmnop: 401' },
  { name: 'a bearer token', text: 'authorization: Bearer abc.def-ghi' },
  { name: 'a service account token', text: 'token eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJl.c2lnbmF0dXJl' },
])('$name in a message is not written', async ({ text }) => {
  const [line] = await written('info', (log) => log.warn(text, { error: new Error(text) }));
  expect(line?.['message']).toContain('[redacted]');
  expect(JSON.stringify(line)).not.toMatch(/hf_a|abc\.def|eyJhb/);
});
