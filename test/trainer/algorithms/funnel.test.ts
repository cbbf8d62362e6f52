import { expect, test } from '@jest/globals';
import { createFunnel, type Candidate } from '../../../trainer/algorithms/funnel.ts';
import { randomKey, uniform } from '../../../trainer/algorithms/random.ts';
import { sample } from '../../../trainer/contract/settings/settings.ts';

function candidate(
  given: Partial<Omit<Candidate, 'passes'>> & { passes?: Partial<Candidate['passes']> } = {},
): Candidate {
  return {
    text: 'a',
    tokens: 10,
    accuracy: 1,
    ...given,
    passes: { correct: true, readable: true, oneLanguage: true, notOverlong: true, ...given.passes },
  };
}

function funnel(settings: object = {}) {
  const made = createFunnel(sample.parse({ prompts: ['sums'], ...settings }));
  const select = (domain: 'reasoning' | 'general', candidates: readonly Candidate[]) =>
    made.best(domain, made.survivors(candidates));
  return { ...made, select };
}

const nothing = {
  abstained: 0,
  correct: 0,
  readable: 0,
  oneLanguage: 0,
  notOverlong: 0,
  duplicate: 0,
  outranked: 0,
  overQuota: 0,
};

test('a completion is counted where it is dropped first', () => {
  const filters = funnel({ keepPerPrompt: 2 });
  const kept = filters.select('reasoning', [
    candidate({ passes: { correct: false, readable: false } }),
    candidate({ passes: { correct: undefined } }),
    candidate({ passes: { readable: false, notOverlong: false } }),
    candidate({ passes: { oneLanguage: false } }),
    candidate({ passes: { notOverlong: false } }),
    candidate({ text: 'a', tokens: 12 }),
    candidate({ text: 'a', tokens: 12 }),
    candidate({ text: 'b', tokens: 8 }),
    candidate({ text: 'c', tokens: 20 }),
  ]);
  expect(kept.map(({ text }) => text)).toEqual(['b', 'a']);
  expect(filters.counts()).toEqual({
    prompts: 1,
    sampled: 9,
    dropped: {
      ...nothing,
      abstained: 1,
      correct: 1,
      readable: 1,
      oneLanguage: 1,
      notOverlong: 1,
      duplicate: 1,
      outranked: 1,
    },
    kept: 2,
    keptByDomain: { reasoning: 2, general: 0 },
  });
});

test('what has words of an evaluation question is dropped before all else, and counted', () => {
  const filters = funnel({ decontaminate: ['exam'] });
  const kept = filters.select('reasoning', [
    candidate({ fault: 'contaminated', passes: { correct: false } }),
    candidate({ text: 'b' }),
  ]);
  expect(kept.map(({ text }) => text)).toEqual(['b']);
  expect(filters.counts().dropped).toEqual({ ...nothing, contaminated: 1 });
});

test('filters that are not asked for let everything pass', () => {
  const filters = funnel({ keep: ['readable'] });
  expect(filters.select('reasoning', [candidate({ passes: { correct: false, oneLanguage: false } })])).toHaveLength(1);
});

test.each([
  { rank: ['accuracy', 'shortest'], best: 'short' },
  { rank: ['rewardModel'], best: 'liked' },
  { rank: ['judge'], best: 'praised' },
  { rank: ['shortest'], best: 'shortest' },
])('ranked by $rank the best is $best', ({ rank, best }) => {
  const [kept] = funnel({ rank, keep: [] }).select('general', [
    candidate({ text: 'long', tokens: 30, rewardModel: 0.1 }),
    candidate({ text: 'liked', tokens: 30, rewardModel: 0.9 }),
    candidate({ text: 'praised', tokens: 30, judge: 0.7 }),
    candidate({ text: 'short', tokens: 20 }),
    candidate({ text: 'shortest', tokens: 5, accuracy: 0.5, rewardModel: -2 }),
  ]);
  expect(kept?.text).toBe(best);
});

test('of random candidates the counts add up, quotas are exact, and no dropped survivor outranks a kept one', () => {
  const filters = funnel({ keepPerPrompt: 2, quotas: { reasoning: 150, general: 40 } });
  for (let prompt = 0; prompt < 400; prompt++) {
    const key = randomKey('funnel', prompt);
    const candidates = Array.from({ length: 8 }, (_, sampled) => {
      const draw = (index: number) => uniform(key, 10 * sampled + index);
      return candidate({
        text: String(sampled),
        tokens: 1 + Math.floor(30 * draw(0)),
        passes: {
          correct: draw(1) < 0.05 ? undefined : draw(2) < 0.7,
          readable: draw(3) < 0.9,
          oneLanguage: draw(4) < 0.9,
          notOverlong: draw(5) < 0.9,
        },
      });
    });
    const domain = prompt % 3 === 0 ? 'general' : 'reasoning';
    const wasFull = filters.full(domain);
    const kept = filters.select(domain, candidates);
    const lost = candidates.filter((one) => Object.values(one.passes).every(Boolean) && !kept.includes(one));
    if (wasFull) expect(kept).toEqual([]);
    if (kept.length < 2) continue;
    const worstKept = Math.max(...kept.map(({ tokens }) => tokens));
    expect(lost.filter(({ tokens }) => tokens < worstKept)).toEqual([]);
  }
  const { sampled, dropped, kept, keptByDomain } = filters.counts();
  expect(sampled).toBe(3200);
  expect(Object.values(dropped).reduce((sum, count) => sum + count, kept)).toBe(sampled);
  expect(keptByDomain).toEqual({ reasoning: 150, general: 40 });
});

test('quotas of 600 to 200 are filled exactly, and full domains need no more prompts', () => {
  const filters = funnel({ keepPerPrompt: 1, quotas: { reasoning: 600, general: 200 } });
  let kept = 0;
  for (let prompt = 0; prompt < 4000 && !(filters.full('reasoning') && filters.full('general')); prompt++) {
    const domain = prompt % 2 === 0 ? 'reasoning' : 'general';
    if (!filters.full(domain)) kept += filters.select(domain, [candidate(), candidate({ text: 'b' })]).length;
  }
  expect(kept).toBe(800);
  expect(filters.counts().keptByDomain).toEqual({ reasoning: 600, general: 200 });
});

test('what a judge leaves out is counted behind the filters', () => {
  const filters = funnel({ judge: { from: 'judge' }, keepPerPrompt: 1 });
  const survivors = filters.survivors(['a', 'b', 'b', 'c', 'd'].map((text) => candidate({ text })));
  filters.drop('tooLow', 1);
  filters.drop('unjudged', 1);
  expect(filters.best('general', survivors.slice(0, 2))).toHaveLength(1);
  const { kept, dropped } = filters.counts();
  expect(dropped).toEqual({ ...nothing, duplicate: 1, tooLow: 1, unjudged: 1, outranked: 1 });
  expect(kept).toBe(1);
});

test('of pairs both completions are counted, and keepPerPrompt and quotas count pairs', () => {
  const pairs = { judge: { from: 'judge' } };
  const filters = funnel({ pairs, keepPerPrompt: 2, quotas: { general: 3 } });
  const all = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'h'].map((text) => candidate({ text }));
  const survivors = filters.survivors(all);
  expect(survivors.map(({ text }) => text).join('')).toBe('abcdefgh');
  filters.drop('draw', 2);
  expect(filters.keep('general', ['one', 'two', 'three'])).toEqual(['one', 'two']);
  filters.survivors(all.slice(0, 7));
  filters.drop('unmatched', 1);
  filters.drop('unjudged', 2);
  expect(filters.full('general')).toBe(false);
  expect(filters.keep('general', ['one', 'two'])).toEqual(['one']);
  expect(filters.full('general')).toBe(true);
  expect(filters.counts()).toEqual({
    prompts: 2,
    sampled: 16,
    dropped: { ...nothing, duplicate: 1, unmatched: 1, draw: 2, unjudged: 2, outranked: 2, overQuota: 2 },
    kept: 6,
    keptByDomain: { reasoning: 0, general: 6 },
  });
});
