import { z } from 'zod';
import { canonicalJson } from '../../algorithms/canonical-json.ts';
import { isSameValue } from '../code/compare-output.ts';
import { readJson } from './json-text.ts';
import { parseJson } from '../answers/structured-gold.ts';
import { correct, type Verifier, wrong } from './verifier.ts';

const call = z.strictObject({ name: z.string().min(1), arguments: z.record(z.string(), z.json()).default({}) });
const gold = z.union([
  call.transform((one) => [one]),
  z.strictObject({ calls: z.array(call).min(1).max(100) }).transform(({ calls }) => calls),
]);
type Call = z.infer<typeof call>;

/** The names under which models write a call: those of chat templates, of OpenAI's API, of Llama's. */
const written = z.union([
  call,
  z
    .strictObject({ name: z.string(), parameters: z.record(z.string(), z.json()) })
    .transform(({ name, parameters }) => ({ name, arguments: parameters })),
  z
    .object({
      type: z.literal('function').optional(),
      function: z.strictObject({ name: z.string(), arguments: z.union([z.string(), z.record(z.string(), z.json())]) }),
    })
    .transform(({ function: { name, arguments: given } }) => ({ name, arguments: given })),
]);

const block = /<tool_call>([^]*?)<\/tool_call>/g;

/** Calls of tools with these names and arguments, all of them and no other, in any order. */
export const toolCallVerifier: Verifier<readonly Call[], readonly Call[]> = {
  expects: 'an object {name, arguments: {…}} or {calls: [{name, arguments}]}',
  parseGold: (text) => parseJson(gold, text),
  read(text) {
    if (text.length > 100_000) return undefined;
    const blocks = [...text.matchAll(block)].map(([, inside = '']) => inside);
    const values = (blocks.length > 0 ? blocks : [text]).map(readJson);
    const calls = values.flatMap((read) => (read === undefined ? [undefined] : [read.value].flat().map(callOf)));
    return calls.length > 0 && calls.length <= 100 && calls.every((each) => each !== undefined) ? calls : undefined;
  },
  grade(golds, calls) {
    const left = [...golds];
    for (const found of calls) {
      const index = left.findIndex((each) => each.name === found.name && isSameValue(each.arguments, found.arguments));
      if (index < 0) return wrong;
      left.splice(index, 1);
    }
    return left.length === 0 ? correct : wrong;
  },
  spell: spellCalls,
  spellGold: spellCalls,
};

function callOf(value: unknown): Call | undefined {
  const parsed = written.safeParse(value).data;
  if (parsed === undefined) return undefined;
  const given = typeof parsed.arguments === 'string' ? readJson(parsed.arguments)?.value : parsed.arguments;
  return call.safeParse({ name: parsed.name, arguments: given ?? null }).data;
}

function spellCalls(calls: readonly Call[]): string {
  return calls
    .map(({ name, arguments: given }) => `${name}(${canonicalJson(given)})`)
    .toSorted()
    .join('; ');
}
