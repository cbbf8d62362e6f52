import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { type Sample, StageLog } from '../../../../trainer/stages/workspace/stage-log.ts';
import { useTemporaryDirectory } from '../../../support/temporary-directory.ts';
import { lines } from '../../../support/trainer.ts';

const directory = useTemporaryDirectory();

const figures = { 'eval/pass@1': 0.5 };
const sample: Sample = { from: 'evaluation', dataset: 'sums', prompt: '1+1=', completion: '2' };
const steps = async (name: string) =>
  (await lines(join(directory(), name))).map((line) => (JSON.parse(line) as { step: number }).step);
const logged = async () => ({ metrics: await steps('metrics.jsonl'), samples: await steps('samples.jsonl') });

test('an evaluation has one line of figures and a line a sample, however often it is told', async () => {
  const log = new StageLog(directory());
  await log.metrics(1, { loss: 2 });
  for (let times = 0; times < 2; times++) {
    await log.evaluation(1, figures, [sample, sample]);
    expect(await logged()).toEqual({ metrics: [1, 1], samples: [1, 1] });
  }
  await new StageLog(directory()).evaluation(1, figures, [sample, sample]); // of another attempt
  expect(await logged()).toEqual({ metrics: [1, 1], samples: [1, 1] });
});

test('another evaluation of a model takes the place of the one before, and of nothing else', async () => {
  const log = new StageLog(directory());
  await log.metrics(1, { loss: 2 });
  await log.samples(1, [{ ...sample, from: 'rollout' }]);
  await log.evaluation(0, figures, [sample]);
  await log.evaluation(1, figures, [sample]);
  await log.evaluation(1, { 'eval/pass@1': 0.75 }, [{ ...sample, completion: '3' }]);
  expect(await logged()).toEqual({ metrics: [1, 0, 1], samples: [1, 0, 1] });
  const [last = ''] = (await lines(join(directory(), 'samples.jsonl'))).slice(-1);
  expect(JSON.parse(last)).toMatchObject({ completion: '3' });
});

test('what was cut short by a crash is told anew', async () => {
  await new StageLog(directory()).metrics(1, figures); // and no sample
  await new StageLog(directory()).evaluation(1, figures, [sample]);
  expect(await logged()).toEqual({ metrics: [1], samples: [1] });
});

test('an evaluation of work that is done again is told again', async () => {
  const log = new StageLog(directory());
  await log.evaluation(1, figures, [sample]);
  await log.evaluation(2, figures, [sample]);
  await log.rewind(1);
  await log.evaluation(2, figures, [sample]);
  expect(await logged()).toEqual({ metrics: [1, 2], samples: [1, 2] });
});

test('a writer that loses the directory while it appends a line changes nothing of what the next one goes on with', async () => {
  const next = new StageLog(directory());
  await next.metrics(1, { loss: 2 });
  const before = new StageLog(directory(), { check: () => next.rewind(1) }); // just after it had looked
  await before.metrics(2, { loss: 1 });
  expect(await steps('metrics.jsonl')).toEqual([1]);
  const lost = new StageLog(directory(), { check: () => Promise.reject(new Error('lost')) });
  for (const write of [
    lost.metrics(2, {}),
    lost.samples(2, [sample]),
    lost.rewind(0),
    lost.rollouts.write(2, [], kept),
  ]) {
    await expect(write).rejects.toThrow('lost');
  }
  expect(await logged()).toEqual({ metrics: [1], samples: [] });
});

const kept = { rollouts: 1, bytes: 1 };

test('a long log is read for the first evaluation alone', async () => {
  const line = `${JSON.stringify({ step: 1, loss: 0.5, text: 'x'.repeat(1000) })}\n`;
  for (const name of ['metrics.jsonl', 'samples.jsonl']) await appendFile(join(directory(), name), line.repeat(20_000));
  const log = new StageLog(directory());
  await log.evaluation(2, figures, [sample]);
  const before = await bytesRead();
  for (let step = 3; step < 9; step++) await log.evaluation(step, figures, [sample]);
  expect((await bytesRead()) - before).toBeLessThan(2_000_000);
});

/** By this process, from its start. */
async function bytesRead(): Promise<number> {
  const [, bytes] = /^rchar: (\d+)$/m.exec(await readFile('/proc/self/io', 'utf8')) ?? [];
  return Number(bytes);
}
