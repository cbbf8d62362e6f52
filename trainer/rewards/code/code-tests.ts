import { z } from 'zod';

/** What a program is tried with. A file of the kind has calls of one function, or a program's input and output. */
export const codeTests = z.union([
  z.strictObject({
    language: z.enum(['javascript']),
    function: z.string().regex(/^[A-Za-z_$][\w$]{0,99}$/),
    tests: z
      .array(z.strictObject({ args: z.array(z.json()), returns: z.json() }))
      .min(1)
      .max(1000),
  }),
  z.strictObject({
    language: z.enum(['javascript']),
    tests: z
      .array(z.strictObject({ stdin: z.string(), stdout: z.string() }))
      .min(1)
      .max(1000),
  }),
]);
export type CodeTests = z.infer<typeof codeTests>;
export type Language = CodeTests['language'];

/** One run of a program. What is expected of it never comes near the program. */
export type Job =
  | { readonly code: string; readonly function: string; readonly args: readonly (readonly unknown[])[] }
  | { readonly code: string; readonly stdin: readonly string[] };

/** Of each test what came of it, up to the first that failed by itself. */
export type Outcome =
  /** What the function returned, as JSON, or what the program wrote. */
  | { readonly output: string }
  /** It threw, took too many steps or too much memory, or wrote too much. */
  | { readonly failed: string };

/** A language in which answers are run. Outcomes are a function of the job, or `undefined` where the run itself was lost. */
export interface Runner {
  run(job: Job): readonly Outcome[] | undefined;
}
