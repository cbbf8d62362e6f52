import { expect, test } from '@jest/globals';
import { validateManifest } from '../../../operator/api/manifest.ts';
import { broken } from '../../support/bad-manifests.ts';

const oneBound = 'exactly one bound of atLeast, atMost, notBelow, approval must be set';
const fields = 'expected an object with metric, atLeast, atMost, notBelow, confidence, minPrompts, approval, onFailure';

test.each([
  { gate: '{metric: reward, atLeast: 1, atMost: 2}', says: `: ${oneBound} (found atLeast: 1, atMost: 2)` },
  {
    gate: '{metric: reward, atMost: 2, notBelow: {stage: pretrained}}',
    says: `: ${oneBound} (found atMost: 2, notBelow)`,
  },
  { gate: '{metric: reward}', says: `: ${oneBound} (found none)` },
  { gate: '{}', says: `: ${oneBound} (found none)` },
  { gate: '{atMost: 0.5}', says: ': metric must be set, unless a person decides (found atMost: 0.5)' },
  {
    gate: '{approval: true, onFailure: Rollback}',
    says: ': approval always waits for a person, whatever onFailure says: leave onFailure out (found approval: true, onFailure: "Rollback")',
  },
  {
    gate: '{approval: true, minPrompts: 9}',
    says: ': confidence and minPrompts are of a bound, and no person is asked for one (found approval: true, minPrompts: 9)',
  },
  { gate: 'reward >= 0.5', says: `: found "reward >= 0.5", ${fields}` },
  { gate: '[{metric: reward, atLeast: 1}]', says: `: found a list, ${fields}` },
  {
    gate: '{metric: "reward >= 0.5", atLeast: 1}',
    says: '.metric: found "reward >= 0.5", expected text of 1 to 100 characters, of letters, digits and _ @ / . -',
  },
  { gate: '{metric: [reward], atLeast: 1}', says: '.metric: found a list, expected text of 1 to 100 characters,' },
  { gate: '{metric: reward, atLeast: {value: 1}}', says: '.atLeast: found an object with value, expected a number' },
  { gate: '{metric: reward, atLeast: .nan}', says: '.atLeast: found NaN, expected a number' },
  { gate: '{metric: reward, notBelow: {}}', says: '.notBelow.stage: found nothing, expected text' },
])('gate: $gate is one clear message', ({ gate, says }) => {
  const text = broken('rewards: [{accuracy: {}}]}}', `rewards: [{accuracy: {}}]}, gate: ${gate}}`);
  const { problems } = validateManifest(text, 'test.yaml');
  expect(problems.map(({ message }) => message)).toEqual([expect.stringContaining(`spec.stages[1].gate${says}`)]);
});

test.each([
  {
    name: 'two types of a stage',
    text: broken('grpo: {', 'evaluate: {data: [sums]}, grpo: {'),
    says: /spec.stages\[1\]: exactly one type of pretrain, .* must be set \(found grpo, evaluate\)/,
  },
  {
    name: 'two rewards in one',
    text: broken('{accuracy: {}}', '{accuracy: {}, format: {}}'),
    says: /rewards\[0\]: exactly one reward of .* must be set \(found accuracy, format\)/,
  },
  {
    name: 'a number inside of an object',
    text: broken('rewards: [', 'sampling: {temperature: 0}, rewards: ['),
    says: /are all the same \(found sampling.temperature: 0\)/,
  },
  {
    name: 'a number that belongs to a list',
    text: broken('{accuracy: {}}', '{format: {lastSteps: 5}}'),
    says: /lastSteps must not be greater than steps \(found steps: 3\)/,
  },
])('other rules tell what they read, and no JSON: $name', ({ text, says }) => {
  const { problems } = validateManifest(text, 'test.yaml');
  const messages = problems.map(({ message }) => message);
  expect(messages).toContainEqual(expect.stringMatching(says));
  expect(messages.filter((message) => message.includes('{"'))).toEqual([]);
});
