import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { InterruptedError, UserError } from '../../../trainer/contract/errors.ts';
import { tinyConfig, tokenIds } from '../../support/random-model.ts';
import { requests, stepSettings, supervisedBatch, tinyEngine } from './tiny-engine.ts';

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
  const state = () => ({ parameters: [...engine.parameters], m: [...engine.optimizerState().m] });
  const before = state();

  const running = [engine.step(supervisedBatch(64), stepSettings), engine.generate(requests(60))];
  stop.abort();
  const stopped = new InterruptedError('asked to stop');
  for (const call of running) await expect(call).rejects.toThrow(stopped);
  await expect(engine.tokenProbabilities([], { temperature: 1 })).rejects.toThrow(stopped);
  expect(state()).toEqual(before);
  expect(engine.optimizerState().step).toBe(1);
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
  expect(() => engine.copyParameters('policy', 'reference')).toThrow('the engine is working');
  await running;
  engine.copyParameters('policy', 'reference');
  expect(engine.trainedParameters('reference')).toEqual(engine.parameters);
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

test('parameters of another model are refused', async () => {
  const engine = await tinyEngine();
  expect(() => engine.addParameterSet('reference', new Float32Array(3))).toThrow(
    `parameter set reference: 3 numbers, the model has ${engine.layout.size}`,
  );
});

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
    import { initialParameters, parameterLayout } from './trainer/models/parameters.ts';
    const config = tinyConfig();
    const parameters = initialParameters(parameterLayout(config, 'lm'), config, 1);
    const engine = await Engine.create({ config, head: 'lm', parameters, workers: 2, optimizer: true });`;
  const flags = ['--input-type=module-typescript', '-e', start + script];
  return promisify(execFile)(process.execPath, flags, { env: { ...process.env, NODE_OPTIONS: '' } });
}
