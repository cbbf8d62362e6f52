import { describe, expect, test } from '@jest/globals';
import { randomKey } from '../../../trainer/algorithms/random.ts';
import type { Row } from '../../../trainer/contract/settings/dataset.ts';
import { reward, type RewardSettings } from '../../../trainer/contract/settings/rewards.ts';
import { createRewards, type Completion, type ScoreWithModel } from '../../../trainer/rewards/create-rewards.ts';
import type { Score } from '../../../trainer/rewards/score.ts';
import { sumRow as sum } from '../../support/sum-row.ts';

const chat: Row = { ...sum, id: 'chat/1', dataset: 'chat', domain: 'general', answer: undefined };

const good = '<think>ones 7+8=15 tens 4+3+1=8</think><answer>85</answer>';
const greeting = '<answer>Hello! How can I help?</answer>';

function completion(row: Row, text: string, given: Partial<Completion> = {}): Completion {
  return { row, text, tokens: 30, key: randomKey(row.id, text), ...given };
}

function rewardsOf(settings: object[], scoreWithModel?: ScoreWithModel, steps = 100) {
  const parsed = settings.map((setting): RewardSettings => reward.parse(setting));
  return createRewards(parsed, { steps, ...(scoreWithModel && { scoreWithModel }) });
}

test('rewards are added, each times its weight', async () => {
  const rewards = rewardsOf([{ accuracy: {} }, { format: { weight: 0.5 } }, { languageConsistency: { weight: 2 } }]);
  expect(rewards.names).toEqual(['accuracy', 'format', 'languageConsistency']);
  const scored = await rewards.score(
    [
      completion(sum, good),
      completion(sum, good.replace('tens', 'Zehner')),
      completion(sum, '<think>ones</think> 85'),
      completion(sum, ''),
    ],
    1,
  );
  expect(scored.map((one) => one.reward)).toEqual([3.5, 2.5, 2, 2]);
  expect(scored[1]?.scores).toEqual({ accuracy: 1, format: 1, languageConsistency: 0.5 });
});

test('every completion has its own reward, by position and not by text or prompt', async () => {
  const batch = [good, '<answer>84</answer>', good, ''].map((text) => completion(sum, text));
  const scored = await rewardsOf([{ accuracy: {} }]).score(batch, 1);
  expect(scored.map((one) => one.reward)).toEqual([1, 0, 1, 0]);
});

test('a reward stays within its domains', async () => {
  const rewards = rewardsOf([{ accuracy: { domains: ['reasoning'] } }, { format: {} }]);
  const [reasoning, general] = await rewards.score([completion(sum, greeting), completion(chat, greeting)], 1);
  expect(reasoning?.scores).toEqual({ accuracy: 0, format: 0 });
  expect(general?.scores).toEqual({ format: 1 });
});

test('a general prompt without a gold answer has no accuracy; a reasoning prompt without one abstains', async () => {
  const rewards = rewardsOf([{ accuracy: {} }, { format: {} }]);
  const unanswered = { ...sum, answer: undefined };
  const [general, reasoning] = await rewards.score([completion(chat, greeting), completion(unanswered, good)], 1);
  expect(general).toMatchObject({ scores: { format: 1 }, reward: 1 });
  expect(reasoning?.scores).toEqual({ accuracy: undefined, format: 1 });
  expect(reasoning?.reward).toBeUndefined();
});

test('a gold answer that cannot be parsed abstains: it is neither right nor wrong', async () => {
  const bad: Row = { ...sum, answer: { kind: 'number', in: 'answerTag', gold: 'many' } };
  const [scored] = await rewardsOf([{ accuracy: {} }]).score([completion(bad, '<answer>many</answer>')], 1);
  expect(scored).toMatchObject({ reward: undefined, verdict: { outcome: 'abstain', score: 0 } });
});

test.each([
  { tokens: 16, score: 0 },
  { tokens: 24, score: -0.5 },
  { tokens: 32, score: -1 },
  { tokens: 90, score: -1 },
])('$tokens tokens are punished with $score between 16 and 32', async ({ tokens, score }) => {
  const [scored] = await rewardsOf([{ length: { max: 32, soft: 16 } }]).score([completion(sum, good, { tokens })], 1);
  expect(scored?.reward).toBeCloseTo(score, 12);
});

test('the random reward is uniform noise that repeats itself for the same sample', async () => {
  const rewards = rewardsOf([{ random: {} }]);
  const batch = Array.from({ length: 400 }, (_, index) => completion(sum, good, { key: randomKey(index) }));
  const scores = (await rewards.score(batch, 1)).map((one) => one.reward as number);
  expect((await rewards.score(batch, 2)).map((one) => one.reward)).toEqual(scores);
  expect(new Set(scores).size).toBe(400);
  expect(scores.reduce((total, score) => total + score, 0) / 400).toBeCloseTo(0.5, 1);
});

test('a reward model is given whole responses, with the scope that its setting names', async () => {
  const seen: Record<string, string[]> = {};
  const lengths: ScoreWithModel = async ({ from, scope }, completions) => {
    seen[`${from} ${scope}`] = completions.map(({ text }) => text);
    return completions.map(({ text }) => text.length);
  };
  const rewards = rewardsOf(
    [{ rewardModel: { from: 'helpful' } }, { rewardModel: { from: 'safety', scope: 'response' } }],
    lengths,
  );
  expect(rewards.names).toEqual(['rewardModel', 'rewardModel-2']);
  const texts = [
    '<think>a</think><answer>Hi</answer>',
    '<think>bbbb</think><answer>Hi</answer>',
    '<answer>Hi</answer>',
  ];
  const scored = await rewards.score(
    texts.map((text) => completion(chat, text)),
    1,
  );
  expect(seen).toEqual({ 'helpful undefined': texts, 'safety response': texts });
  expect(scored.map(({ scores }) => scores['rewardModel-2'])).toEqual(texts.map(({ length }) => length));
});

test('a reward model that answers with NaN is no score', async () => {
  const rewards = rewardsOf([{ rewardModel: { from: 'helpful' } }], async () => [Number.NaN]);
  const [scored] = await rewards.score([completion(chat, greeting)], 1);
  expect(scored?.reward).toBeUndefined();
});

const services = [1, 2].map((port) => ({ http: { url: `http://127.0.0.1:${port}/score` } }));

test('services are asked at once, before rewards that are computed here, and the first that fails is told', async () => {
  const settings = [{ format: {} }, ...services].map((each): RewardSettings => reward.parse(each));
  const begun: (() => void)[] = [];
  const rewards = createRewards(settings, {
    steps: 1,
    scoreWithModule: async (own) => {
      // Each answers once both were asked.
      await new Promise<void>((resolve) => {
        begun.push(resolve);
        if (begun.length === 2) for (const go of begun) go();
      });
      return ['url' in own && own.url.includes(':1/') ? 0.25 : 0.5];
    },
  });
  const [scored] = await rewards.score([completion(sum, good)], 1);
  expect(scored?.scores).toEqual({ format: 1, http: 0.25, 'http-2': 0.5 });

  const failing = createRewards(settings, {
    steps: 1,
    scoreWithModule: (own) => Promise.reject(new Error('url' in own ? own.url : '')),
  });
  await expect(failing.score([completion(sum, good)], 1)).rejects.toThrow(':1/');
});

test('a reward of the last steps is silent before them', async () => {
  let asked = 0;
  const scoreWithModel: ScoreWithModel = async (_stage, completions) => {
    asked++;
    return completions.map(() => 3);
  };
  const rewards = rewardsOf([{ format: {} }, { rewardModel: { from: 'helpful', lastSteps: 40 } }], scoreWithModel);
  const at = async (step: number) => (await rewards.score([completion(chat, greeting)], step))[0];
  expect(await at(60)).toMatchObject({ reward: 1, scores: { format: 1 } });
  expect(asked).toBe(0);
  expect(await at(61)).toMatchObject({ reward: 4 });
  expect(await at(100)).toMatchObject({ reward: 4 });
});

test('every kind of reward can be of the last steps alone', async () => {
  const rewards = rewardsOf([{ accuracy: {} }, { format: { lastSteps: 1 } }]);
  const at = async (step: number) => (await rewards.score([completion(chat, greeting)], step))[0]?.scores;
  expect(Object.keys((await at(99)) ?? {})).not.toContain('format');
  expect(Object.keys((await at(100)) ?? {})).toContain('format');
});

describe('rewards of several tasks', () => {
  const other: Row = { ...sum, id: 'sums/2' };
  const abstention = { because: 'abstain', message: 'it gave None' } as const;
  const batch = [completion(sum, good), completion(sum, ''), completion(other, good), completion(other, '')];

  /** The scores of each file, as it would give them. */
  function scored(settings: object[], scores: Record<string, readonly Score[]>) {
    return createRewards(
      settings.map((setting) => reward.parse(setting)),
      { steps: 1, scoreWithModule: (own) => Promise.resolve(scores['file' in own ? own.file : '']!) },
    ).score(batch, 1);
  }

  test('one that abstains on all completions of a prompt does not apply to it', async () => {
    const found = await scored([{ python: { file: 'sums.py' } }, { python: { file: 'code.py' } }], {
      'sums.py': [1, 0.5, abstention, abstention],
      'code.py': [abstention, abstention, 0, 2],
    });
    expect(found.map((one) => one.reward)).toEqual([1, 0.5, 0, 2]);
    expect(found[0]?.unscored).toEqual({ 'python-2': abstention });
  });

  test('one that abstains on some of them leaves these out', async () => {
    const found = await scored([{ python: { file: 'sums.py' } }, { format: {} }], {
      'sums.py': [1, abstention, abstention, abstention],
    });
    expect(found.map((one) => one.reward)).toEqual([2, undefined, 1, 0]);
  });

  test('one that fails on all of them leaves them out', async () => {
    const failure = { because: 'error', message: 'line 1: boom' } as const;
    const found = await scored([{ module: { file: 'sums.ts' } }, { format: {} }], {
      'sums.ts': [failure, failure, 1, 1],
    });
    expect(found.map((one) => one.reward)).toEqual([undefined, undefined, 2, 1]);
  });

  test('a prompt to which none applies has no reward', async () => {
    const found = await scored([{ python: { file: 'sums.py' } }], { 'sums.py': [abstention, abstention, 1, 0] });
    expect(found.map((one) => one.reward)).toEqual([undefined, undefined, 1, 0]);
  });
});
