import { fourStages } from './pipelines.ts';

/** Two stages that start from nothing, instead of one. */
export const twoRoots = fourStages.replace('{from: pretrained}', '{init: {}}');

/** The same with one more setting in a field of its spec. */
export function withSetting(text: string, field: string, setting: string): string {
  return text.includes(`${field}: {`)
    ? text.replace(`${field}: {`, `${field}: {${setting}, `)
    : `${text}${field}: {${setting}}\n`;
}

/** The same with a gate behind its second stage. */
export function gated(text: string, gate: string): string {
  return text.replace(
    'rewards: [{accuracy: {}}]}',
    `rewards: [{accuracy: {}}]}, evaluation: {data: [sums]}, gate: {${gate}}`,
  );
}

/** The same as a person might edit it: what decides results, how long stages are, what they may take, which there are. */
export function edited(text: string): string[] {
  return [
    text.replace('seed: 3', 'seed: 4'),
    text.replace('grpo: {prompts: [sums], steps: 3', 'grpo: {prompts: [sums], steps: 5'),
    text.replace('steps: 3}}', 'steps: 3}, resources: {limits: {memory: 64Gi}}}'),
    text.replace('steps: 3}}', 'steps: 3}, retry: {infrastructure: 0}, deadlineSeconds: 5000}'),
    text.replace('sft: {data: [samples]}', 'sft: {data: [samples], learningRate: 1e-3}'),
    text.replace(/ {2}- \{name: student.*\n/, ''),
    withSetting(text, 'defaults', 'evaluation: {data: [sums]}'),
    gated(text, 'approval: true'),
  ];
}
