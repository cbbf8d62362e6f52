import { answerJson, type Answer } from '../../../support/fake-api.ts';

/** Stands for an object of any kind. */
export const object = { metadata: { namespace: 'team', name: 'x' } };

/** A server that has what it is asked for. */
export const ok =
  (answer = object): Answer =>
  (_, response) =>
    answerJson(response, answer);

/** The first answers in this order, and the last for ever. */
export function inOrder(...answers: readonly Answer[]): Answer {
  let next = 0;
  return (request, response) => answers[Math.min(next++, answers.length - 1)]?.(request, response);
}
