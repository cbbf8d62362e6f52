import type { Message, Row } from '../../contract/settings/dataset.ts';
import type { Refine, ToolName, ToolUse } from '../../contract/settings/tool-use.ts';
import type { Verify } from '../../rewards/modules/own-verifiers.ts';
import type { Tokenizer } from '../../tokenizers/tokenizer.ts';
import { definitionsOf, runCalls } from '../../tools/tools.ts';
import type { Draft, Told } from './draft.ts';

/** What a draft is told, now that it has a further turn; `undefined` where it is done. */
export type Reply = (drafts: readonly Draft[]) => Promise<readonly (Told | undefined)[]>;

/** The row with the tools that it may use beside its own, where the chat template tells of tools. Another template's prompt has to. */
export function withTools<T extends Pick<Row, 'tools'>>(
  row: T,
  names: readonly ToolName[] | undefined,
  { knowsTools }: Pick<Tokenizer, 'knowsTools'>,
): T {
  return names === undefined || !knowsTools ? row : { ...row, tools: [...(row.tools ?? []), ...definitionsOf(names)] };
}

/** Answers the calls of a turn that ended by itself, as long as there are calls left. */
export function answerCalls({ tools = [], maxToolCalls, maxToolTokens }: ToolUse, tokenizer: Tokenizer): Reply {
  const reply = async ({ turn: { text, terminated }, calls }: Draft): Promise<Told | undefined> => {
    const results = terminated ? await runCalls(text, tools) : [];
    if (results.length === 0 || calls + results.length > maxToolCalls) return undefined;
    const contents = results.map(({ name, content }) => ({ name, content: cut(tokenizer, content, maxToolTokens) }));
    return {
      messages: tokenizer.knowsTools ? contents.map(asToolTurn) : [plainTurn(contents.map(({ content }) => content))],
      calls: results.length,
      failedCalls: results.filter(({ failed }) => failed).length,
    };
  };
  return (drafts) => Promise.all(drafts.map(reply));
}

/** Its first tokens, without those of control: a result is nobody's turn. */
function cut({ encode, decode }: Tokenizer, text: string, tokens: number): string {
  return decode(encode(text.toWellFormed()).slice(0, tokens));
}

function asToolTurn({ name, content }: { readonly name: string | undefined; readonly content: string }): Message {
  return { role: 'tool', content, ...(name !== undefined && { name }) };
}

/** For templates without tools: a turn of the user, in the words of those that have them. */
function plainTurn(contents: readonly string[]): Message {
  const responses = contents.map((content) => `<tool_response>\n${content}\n</tool_response>`);
  return { role: 'user', content: responses.join('\n') };
}

/** The verdict on a wrong answer. Never more: what is right must not be learned from the question. */
export const tryAgain = 'That is wrong. Think again, and give another answer.';

/** Asks for a further try where the verifier finds the answer wrong, or partly right. */
export function refineWrong({ rounds }: Refine, verify: Verify): Reply {
  return async (drafts) => {
    const open = drafts.filter(({ turn, tries }) => turn.terminated && tries < rounds);
    const verdicts = await verify(open.map(({ row, turn }) => ({ row, text: turn.text })));
    const wrong = new Set(open.filter((_, at) => ['wrong', 'partial'].includes(verdicts[at]?.outcome ?? 'abstain')));
    return drafts.map((draft) =>
      wrong.has(draft) ? { messages: [{ role: 'user', content: tryAgain }], tries: 1 } : undefined,
    );
  };
}

/** The first that has something to tell. */
export function firstOf(replies: readonly Reply[]): Reply {
  return async (drafts) => {
    const told = drafts.map((): Told | undefined => undefined);
    for (const reply of replies) {
      const silent = [...drafts.keys()].filter((place) => told[place] === undefined);
      // oxlint-disable-next-line no-await-in-loop -- only those are asked on to whom nothing was said
      const said = await reply(silent.map((place) => drafts[place] as Draft));
      for (const [at, place] of silent.entries()) told[place] = said[at];
    }
    return told;
  };
}
