import { z } from 'zod';
import { UserError } from '../contract/process/errors.ts';
import { describeIssue } from '../data/rows.ts';
import { choices, type Decision, reviewerName } from './decision.ts';
import { openInWords, type ReviewSession } from './review-session.ts';

/** A line of an export that a person has filled in. Other fields are theirs. */
const importedLine = z.object(
  {
    id: z.string('expected the id of a row'),
    decision: z.enum(choices, `expected one of ${choices.join(', ')}, or null`).nullish(),
    reviewer: z
      .string()
      .nullish()
      .transform((name) => name?.trim()),
    completion: z.string().nullish(),
    comment: z.string().max(10_000).nullish(),
    time: z.iso.datetime().nullish(),
    of: z.string().nullish(),
  },
  'expected a JSON object with id, decision and reviewer',
);

const mostProblems = 10;

export interface Imported {
  readonly added: number;
  /** Lines without a decision. */
  readonly undecided: number;
  /** Lines that say what was known. */
  readonly known: number;
}

/**
 * Takes the decisions of a JSONL file, all of them or none.
 *
 * @param name of the file, for messages
 * @param reviewer who has decided, where a line does not say so
 * @throws UserError with a line for each of the first broken lines, and its number
 */
export async function importDecisions(
  session: ReviewSession,
  text: string,
  { name, reviewer }: { readonly name: string; readonly reviewer?: string | undefined },
): Promise<Imported> {
  const problems: { line: number; problem: string }[] = [];
  const made: { line: number; decision: Decision }[] = [];
  let undecided = 0;
  for (const [at, content] of text.split('\n').entries()) {
    if (content.trim() === '') continue;
    const read = readLine(session, content, reviewer);
    if (typeof read === 'string') problems.push({ line: at + 1, problem: read });
    else if (read === undefined) undecided++;
    else made.push({ line: at + 1, decision: read });
  }
  if (problems.length === 0) {
    const done = await session.decide(made.map(({ decision }) => decision));
    if ('added' in done) return { added: done.added, undecided, known: made.length - done.added };
    for (const [at, problem] of done.problems) problems.push({ line: made[at]!.line, problem });
  }
  const lines = problems.slice(0, mostProblems).map(({ line, problem }) => `${name}:${line}: ${problem}`);
  const more = problems.length - lines.length;
  const rest = more > 0 ? [`and ${more} more lines`] : [];
  throw new UserError([...lines, ...rest, 'nothing was imported'].join('\n'));
}

/** `2 decisions imported; 1 line has no decision; 3 of 8 rows wait for a person` */
export async function importInWords(session: ReviewSession, { added, known, undecided }: Imported): Promise<string> {
  const others = [
    ...(known > 0 ? [`${known} were known`] : []),
    ...(undecided > 0 ? [`lines without a decision: ${undecided}`] : []),
  ];
  return [`${added} decisions imported`, ...others, await openInWords(session)].join('; ');
}

/** The decision of a line, undefined where it has none, or what is wrong with it. */
function readLine(
  session: ReviewSession,
  content: string,
  reviewer: string | undefined,
): Decision | undefined | string {
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch (error) {
    return `expected JSON: ${(error as Error).message}`;
  }
  const parsed = importedLine.safeParse(json);
  if (!parsed.success) return describeIssue(parsed.error);
  const { id, decision, completion, comment, time, of, reviewer: said } = parsed.data;
  if (!decision) return undefined;
  const row = session.row(id);
  if (row === undefined) return `id: found ${JSON.stringify(id)}, expected the id of a row of this review`;
  const by = reviewerName.safeParse(said || reviewer);
  if (!by.success) return 'reviewer: expected the name of a person, of at most 100 characters, or --reviewer NAME';
  if (of && of !== session.digestOf(id)) return `row ${id} has become another one since it was exported`;
  const changed = decision !== 'reject' && completion !== undefined && completion !== null;
  return {
    id,
    decision,
    reviewer: by.data,
    ...(changed && { completion }),
    ...(comment && { comment }),
    ...(time && { time }),
  };
}
