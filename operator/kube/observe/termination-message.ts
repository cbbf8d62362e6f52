import { posix } from 'node:path';
import { stageResult, type StageResult } from '../../../trainer/contract/files/progress.ts';
import { mounts } from '../objects/layout.ts';

const digest = /^[0-9a-f]{64}$/;
const directory = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;

/**
 * The result in a pod's termination message, with its checkpoint relative to the attempt's directory. Undefined for
 * anything else: the end of a log, a result that was cut at 4 KiB, or one whose checkpoint lies somewhere else.
 *
 * @param attemptDirectory below the stage's own, such as `8c5a1c0e/attempt-1`
 */
export function resultOf(message: string | undefined, attemptDirectory: string): StageResult | undefined {
  if (!message?.startsWith('{')) return undefined;
  const result = parse(message);
  if (result?.checkpoint === undefined) return result;
  const { checkpoint } = result;
  const root = `${mounts.out}/${attemptDirectory}`;
  const path = posix.relative(root, posix.resolve(root, checkpoint.path));
  const isOurs = directory.test(path) && path.length <= 150 && digest.test(checkpoint.digest);
  return isOurs ? { ...result, checkpoint: { ...checkpoint, path } } : undefined;
}

function parse(message: string): StageResult | undefined {
  try {
    return stageResult.safeParse(JSON.parse(message)).data;
  } catch {
    return undefined;
  }
}
