import { isIP } from 'node:net';
import { lookup } from 'node:dns/promises';
import { resolve } from 'node:path';
import { chat } from '../contract/settings/chat.ts';
import { UserError } from '../contract/process/errors.ts';
import { exitCodes } from '../contract/process/exit-codes.ts';
import { Policy } from '../stages/policy/policy.ts';
import { ModelServer } from './server.ts';
import { ServedModel } from './served-model.ts';

interface ServeOptions {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Chat settings, as JSON. */
  readonly chat?: string;
}

/** Name of the environment variable with the key that clients send. */
const keyVariable = 'R1_API_KEY';

/** Answers requests to a checkpoint until a signal, and then those that have come before. */
export async function serveCheckpoint(checkpoint: string, options: ServeOptions): Promise<void> {
  const { name, host, port, chat: chatJson = '{}' } = options;
  const apiKey = await apiKeyFor(host);
  const policy = await Policy.open(resolve(checkpoint), { chat: chat.parse(JSON.parse(chatJson)) });
  try {
    const live = await policy.engine.generateLive();
    const server = await ModelServer.listen(new ServedModel(name, policy, live), { host, port, apiKey });
    const signal = firstSignal();
    console.log(`serving ${name} at ${server.url}`);
    try {
      await Promise.race([signal, live.ended]);
      console.log('stopping: requests that have begun are answered; a second signal ends them');
    } finally {
      await server.close(); // where the model has failed, every request has, too
    }
    live.close();
    await live.ended;
  } finally {
    await policy.close();
  }
}

/** Resolves at the first SIGTERM or SIGINT; the second ends the process. */
async function firstSignal(): Promise<void> {
  const { promise, resolve: hear } = Promise.withResolvers<void>();
  let heard = false;
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      if (heard) process.exit(exitCodes.interrupted);
      heard = true;
      hear();
    });
  }
  return promise;
}

/** @throws UserError where anybody could use the model */
async function apiKeyFor(host: string): Promise<string | undefined> {
  const key = process.env[keyVariable];
  if (key !== undefined && !/^[\x21-\x7e]+$/.test(key)) {
    throw new UserError(`${keyVariable}: expected a key of printable characters, without blanks`);
  }
  if (key !== undefined || (await isLoopback(host))) return key;
  throw new UserError(
    `--host ${host}: others reach the server there, and ${keyVariable} is not set; expected it to have a key`,
  );
}

async function isLoopback(host: string): Promise<boolean> {
  const address = isIP(host) ? host : await addressOf(host);
  return address === '::1' || address.startsWith('127.');
}

async function addressOf(host: string): Promise<string> {
  try {
    return (await lookup(host)).address;
  } catch (cause) {
    throw new UserError(`--host: found ${JSON.stringify(host)}, expected an address of this machine`, { cause });
  }
}
