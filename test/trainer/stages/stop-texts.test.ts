import { expect, test } from '@jest/globals';
import { randomKey } from '../../../trainer/algorithms/random.ts';
import { placeOfStop } from '../../../trainer/rollout/stop-watch.ts';
import { cutAtStop } from '../../../trainer/stages/policy/cut-at-stop.ts';
import { Policy } from '../../../trainer/stages/policy/policy.ts';
import { useBaseStage } from '../../support/base-stage.ts';
import { pin } from '../../support/trainer.ts';

const root = useBaseStage({ steps: 4, batch: 8 });

test('sampling ends with the token that completes a stop text, with the bits of sampling that goes on', async () => {
  const { path } = await pin(root(), 'base');
  const policy = await Policy.open(path, { workers: 2, chat: { stop: ['e', 'ab'] } });
  try {
    const { tokenizer } = policy;
    const { texts, pieces = [] } = tokenizer.stop;
    const promptIds = tokenizer.encode('1+2=');
    const sampling = { temperature: 1, topP: 1, topK: 0, maxNewTokens: 100 };
    const requests = Array.from({ length: 24 }, (_, at) => ({
      promptIds,
      key: randomKey('stop', at),
      sampling,
      stopIds: [...tokenizer.stopIds],
    }));
    const stopTexts = { texts, pieces };
    const ended = await policy.generate(requests.map((request) => ({ ...request, stopTexts })));
    const whole = await policy.generate(requests);
    const stopped = ended.filter(({ tokenIds }) => placeOfStop(tokenIds, { stopIds: [], stopTexts }) >= 0);
    expect(stopped.length).toBeGreaterThan(6);
    for (const { tokenIds, finish } of stopped) {
      expect([placeOfStop(tokenIds, { stopIds: [], stopTexts }), finish]).toEqual([tokenIds.length - 1, 'stop']);
    }
    expect(ended.map((each) => cutAtStop(each, tokenizer))).toEqual(whole.map((each) => cutAtStop(each, tokenizer)));
    const tokens = (all: typeof whole) => all.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
    expect(tokens(ended)).toBeLessThan(tokens(whole));
  } finally {
    await policy.close();
  }
});
