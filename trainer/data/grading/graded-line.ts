import type { z } from 'zod';
import { UserError } from '../../contract/process/errors.ts';
import { BadLine, inWords } from '../files/bad-line.ts';
import { refuseInexactAnswer } from '../exact-answer.ts';
import type { JsonLine } from '../files/jsonl.ts';
import { describeIssue } from '../rows.ts';

/** How a field of a row to be graded is refused. */
export function expecting(what: string) {
  return {
    error: ({ input }: { readonly input?: unknown }) => `found ${inWords(input)}, expected ${what}`,
  };
}

/** A row to be graded. @throws UserError `file:line: …` for one that is none */
export function parseGradedLine<T extends z.ZodType>(line: JsonLine, schema: T, value = line.value): z.infer<T> {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new UserError(`${line.place}: ${describeIssue(parsed.error)}`);
  try {
    refuseInexactAnswer(line);
  } catch (error) {
    throw error instanceof BadLine ? new UserError(`${line.place}: ${error.message}`, { cause: error }) : error;
  }
  return parsed.data;
}
