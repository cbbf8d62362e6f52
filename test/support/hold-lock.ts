/**
 * A process that holds a lock, until it is told to end:
 *
 *   node hold-lock.ts LOCK     "held", or why not; then a line for each line on stdin: "mine", or why not any more
 */
import { createInterface } from 'node:readline/promises';
import { lockDirectory } from '../../trainer/contract/files/directory-lock.ts';

const [, , path = ''] = process.argv;
try {
  const lock = await lockDirectory(path, { onWait: console.log });
  console.log('held');
  for await (const _ of createInterface({ input: process.stdin })) {
    console.log(
      await lock.check().then(
        () => 'mine',
        (error: Error) => error.message,
      ),
    );
  }
  await lock.release();
} catch (error) {
  console.log((error as Error).message);
}
