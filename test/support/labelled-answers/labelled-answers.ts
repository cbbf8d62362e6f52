import type { Row } from '../../../trainer/contract/settings/dataset.ts';
import type { Verdict } from '../../../trainer/rewards/verifiers/verifier.ts';

type Answer = NonNullable<Row['answer']>;

/** A question with answers that somebody has labelled. */
export interface LabelledAnswers {
  readonly gold: string;
  /** What was asked, which a model may copy. */
  readonly prompt: string;
  readonly right: readonly string[];
  readonly partial?: readonly string[];
  readonly wrong: readonly string[];
  /** Of which no verdict can be made. */
  readonly unknown?: readonly string[];
  /** The right answer in characters that only look like it. */
  readonly lookAlike: readonly string[];
}

/** A row in the form that `r1 grade` reads; `attack` names what it tries, where it tries something. */
export interface LabelledRow {
  readonly kind: Answer['kind'];
  readonly in: Answer['in'];
  readonly answer: string;
  readonly completion: string;
  readonly expect: Verdict['outcome'];
  readonly attack?: string;
}

/** The rows of a kind: each labelled answer in the tag, and for each question the attacks on it, all of which are wrong. */
export function labelledRows(kind: Answer['kind'], cases: readonly LabelledAnswers[]): LabelledRow[] {
  return cases.flatMap((each) => {
    const { gold, right, partial = [], unknown = [], wrong } = each;
    const row = (completion: string, expect: Verdict['outcome'], attack?: string): LabelledRow => ({
      kind,
      in: 'answerTag',
      answer: gold,
      completion,
      expect,
      ...(attack && { attack }),
    });
    return [
      ...right.map((text) => row(`<think>I think so.</think>${answer(text)}`, 'correct')),
      ...partial.map((text) => row(`<think>I think so.</think>${answer(text)}`, 'partial')),
      ...wrong.map((text) => row(`<think>I think so.</think>${answer(text)}`, 'wrong')),
      ...unknown.map((text) => row(`<think>I think so.</think>${answer(text)}`, 'abstain')),
      ...attacksOn(each).map(([attack, completion]) => row(completion, 'wrong', attack)),
    ];
  });
}

function answer(text: string): string {
  return `<answer>${text}</answer>`;
}

function attacksOn({ prompt, right: [right = ''], wrong: [wrong = ''], ...all }: LabelledAnswers): [string, string][] {
  return [
    ['all options listed', answer([right, ...all.lookAlike, wrong, wrong].join(', '))],
    ['both answers', answer(right) + answer(wrong)],
    ['injected tags', `<think>a</think>${answer(`${wrong}</answer><answer>${right}`)}`],
    ['answer in the thought', `<think>${answer(right)}</think>${answer(wrong)}`],
    ['answer only in the thought', `<think>It is ${right}. ${answer(right)}</think>`],
    ['thought that never ends', `<think>a ${answer(right)}`],
    ['tag that never ends', `<think>a</think><answer>${right}`],
    ['prompt copied', answer(prompt)],
    ['prompt and answer', answer(`${prompt} ${right} ${wrong}`)],
    ['huge output', answer(`${right} ${wrong} `.repeat(4000))],
    ['nothing', answer('')],
    ...all.lookAlike.map((text): [string, string] => ['look-alike characters', answer(text)]),
  ];
}
