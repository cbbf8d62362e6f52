import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { InterruptedError, UserError } from '../../../trainer/contract/process/errors.ts';
import { Engine } from '../../../trainer/engine/engine.ts';
import { adapters, tinyConfig, tokenIds } from '../../support/random-model.ts';
import { requests, stepSettings, supervisedBatch, tinyEngine } from './tiny-engine.ts';
import { parametersOf } from '../../support/flat-parameters.ts';

test('an unknown token id fails with the worker’s error as its cause, and ends the engine', async () => {
  const engine = await tinyEngine({ workers: 2 });
  const bad = requests(4).map((request) => ({ ...request, promptIds: [50] }));
  const failure = await engine.generate(bad).catch((error: unknown) => error as Error);
  expect(failure).toMatchObject({ message: expect.stringMatching(/an engine worker failed at generate: .*indices/) });
  expect((failure as Error).cause).toMatchObject({ stack: expect.stringMatching(/onnxruntime-node|runtime.ffi/) });
  await expect(engine.generate(requests(1))).rejects.toThrow();
});

test('closing rejects what is still running', async () => {
  const engine = await tinyEngine({ workers: 2 });
  const running = engine.generate(requests(60));
  await engine.close();
  await expect(running).rejects.toThrow('the engine is closed');
});

test('a stop rejects what runs and what comes after, at once, and leaves weights and moments as they were', async () => {
  const stop = new AbortController();
  const engine = await tinyEngine({ workers: 2, optimizer: true, stop: stop.signal });
  await engine.step(supervisedBatch(8), stepSettings);
  const state = async () => ({ parameters: await parametersOf(engine), m: [...(await engine.optimizerState()).m] });
  const before = await state();

  const running = [engine.step(supervisedBatch(64), stepSettings), engine.generate(requests(60))];
  stop.abort();
  const stopped = new InterruptedError('asked to stop');
  for (const call of running) await expect(call).rejects.toThrow(stopped);
  await expect(engine.tokenProbabilities([], { temperature: 1 })).rejects.toThrow(stopped);
  expect(await state()).toEqual(before);
  expect(engine.steps).toBe(1);
});

test('calls run one after the other: a step sees no half-copied parameters', async () => {
  const [sequential, concurrent] = [await tinyEngine({ optimizer: true }), await tinyEngine({ optimizer: true })];
  const expected = [
    await sequential.generate(requests(6)),
    await sequential.step(supervisedBatch(8), stepSettings),
    await sequential.generate(requests(6)),
  ];
  const all = await Promise.all([
    concurrent.generate(requests(6)),
    concurrent.step(supervisedBatch(8), stepSettings),
    concurrent.generate(requests(6)),
  ]);
  expect(all).toEqual(expected);
});

test('parameters may not change under a running call', async () => {
  const engine = await tinyEngine();
  const running = engine.generate(requests(1));
  await expect(engine.copyParameters('policy', 'reference')).rejects.toThrow('the engine is working');
  await expect(engine.writeParameters('policy', async () => {})).rejects.toThrow('the engine is working');
  await running;
  await engine.copyParameters('policy', 'reference');
  expect(await parametersOf(engine, 'reference')).toEqual(await parametersOf(engine));
});

test('a sequence longer than the model takes is refused', async () => {
  const engine = await tinyEngine({ config: tinyConfig({ maxLength: 16 }) });
  const sequences = [{ promptIds: tokenIds(10, 50), completionIds: tokenIds(8, 50) }];
  await expect(engine.tokenProbabilities(sequences, { temperature: 1 })).rejects.toThrow(
    new UserError('sequence 0 has 17 tokens, the model takes at most 16'),
  );
});

test('an empty prompt and an empty batch are refused', async () => {
  const engine = await tinyEngine({ optimizer: true });
  const sequences = [{ promptIds: [], completionIds: [1, 2] }];
  await expect(engine.tokenProbabilities(sequences, { temperature: 1 })).rejects.toThrow(UserError);
  await expect(engine.step({ loss: 'sft', sequences: [] }, stepSettings)).rejects.toThrow('at least one sequence');
});

test('a sequence of one token trains nothing and harms nothing', async () => {
  const engine = await tinyEngine({ optimizer: true });
  const { loss, probs } = await engine.step({ loss: 'sft', sequences: [{ ids: [7], weights: [] }] }, stepSettings);
  expect([loss, probs[0]?.length]).toEqual([0, 0]);
});

test('tensors are read one at a time, in the order of the layout, as they were written', async () => {
  const engine = await tinyEngine({ config: tinyConfig({ lora: adapters(2) }) });
  const written: string[] = [];
  await engine.writeParameters('policy', async (memoryOf) => {
    for (const tensor of engine.layout.tensors.toReversed()) {
      (await memoryOf(tensor)).fill(written.length);
      written.push(tensor.name);
    }
  });
  const read: [string, number][] = [];
  for await (const { tensor, values } of engine.readParameters()) {
    expect(values).toHaveLength(tensor.size);
    expect(new Set(values).size).toBe(1);
    read.push([tensor.name, values[0] as number]);
  }
  expect(read).toEqual(written.map((name, at) => [name, at]).toReversed());
});

test('a version tells of new parameters before the first of them is written', async () => {
  const engine = await tinyEngine();
  const before = engine.parametersVersion;
  let during = before;
  await engine.writeParameters('policy', async () => void (during = engine.parametersVersion));
  expect(during).not.toBe(before);
});

test('an engine whose parameters cannot be read is none', async () => {
  const creating = Engine.create({ config: tinyConfig(), head: 'lm', workers: 1, parameters: unreadable });
  await expect(creating).rejects.toThrow('no such file');
});

async function unreadable(): Promise<never> {
  throw new UserError('no such file');
}

test('a process ends by itself once its engine is closed', async () => {
  const { stdout } = await runScript(`
    const [report] = await Promise.all([
      engine.step(${JSON.stringify(supervisedBatch(4))}, ${JSON.stringify(stepSettings)}),
      engine.generate(${JSON.stringify(requests(2))}),
    ]);
    await engine.close();
    console.log(report.loss > 0);`);
  expect(stdout).toBe('true\n');
});

test('a process that exits while its engine is working keeps its exit code', async () => {
  const script = `
    void engine.generate(${JSON.stringify(requests(64, { maxNewTokens: 400 }).map((request) => ({ ...request, stopIds: [] })))});
    setTimeout(() => process.exit(67), 300);`;
  await expect(runScript(script)).rejects.toMatchObject({ code: 67, stderr: '' });
});

/** Runs a script that finds an `engine` of a tiny model. */
async function runScript(script: string) {
  const start = `
    import { Engine } from './trainer/engine/engine.ts';
    import { tinyConfig } from './test/support/random-model.ts';
    import { fromFlat, freshParameters } from './test/support/flat-parameters.ts';
    import { parameterLayout } from './trainer/models/parameters.ts';
    const config = tinyConfig();
    const layout = parameterLayout(config, 'lm');
    const parameters = fromFlat(layout, freshParameters(layout, config, 1));
    const engine = await Engine.create({ config, head: 'lm', parameters, workers: 2, optimizer: true });`;
  const flags = ['--input-type=module-typescript', '-e', start + script];
  return promisify(execFile)(process.execPath, flags, { env: { ...process.env, NODE_OPTIONS: '' } });
}
