import { expect, test } from '@jest/globals';
import { layerGradientProgram, layerProgram } from '../../../trainer/models/programs.ts';
import { tinyConfig, tokenIds, randomParameters } from '../../support/random-model.ts';
import { openProgram } from '../../support/run-program.ts';
import { probabilityModel } from '../../support/whole-model.ts';
import { unshared } from '../../support/packed.ts';

test('programs do not grow with the length that the model takes, but for the angles of its positions', async () => {
  const config = tinyConfig({ maxLength: 32_768 });
  const angles = 2 * 32_768 * (config.headDim / 2) * 4;
  for (const program of [layerProgram(config), layerGradientProgram(config, true)]) {
    // oxlint-disable-next-line no-await-in-loop -- compiles
    await openProgram(program);
    expect(program.bytes.length).toBeLessThan(angles + 50_000);
  }
});

test('how sequences are packed changes no bit of a probability', async () => {
  const config = tinyConfig();
  const parameters = randomParameters(config);
  const ids = [0, 1, 2].map((row) => tokenIds(16, config.vocabularySize, row));
  const run = async (rows: number[]): Promise<Float32Array> => {
    const all = rows.flatMap((row) => ids[row] as number[]);
    const model = await probabilityModel(config, rows.length, 16);
    const feeds = { ...parameters, ...unshared(rows.length, 16), ids: all, targets: all, inverseTemperature: [1] };
    return (await model(feeds))['prob'] as Float32Array;
  };
  const [together, reversed] = [await run([0, 1, 2]), await run([2, 1, 0])];
  for (const row of [0, 1, 2]) {
    const alone = await run([row]);
    expect(together.slice(16 * row, 16 * row + 16)).toEqual(alone);
    expect(reversed.slice(16 * (2 - row), 16 * (3 - row))).toEqual(alone);
  }
});
