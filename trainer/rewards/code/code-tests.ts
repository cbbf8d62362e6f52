import { z } from 'zod';

export const languages = ['javascript', 'python'] as const;
export type Language = (typeof languages)[number];

const language = z.enum(languages).optional();
const most = 1000;

const calls = z.strictObject({
  language,
  function: z.string().regex(/^[A-Za-z_$][\w$]{0,99}$/),
  tests: z
    .array(z.strictObject({ args: z.array(z.json()), returns: z.json() }))
    .min(1)
    .max(most),
});

const programs = z.strictObject({
  language,
  tests: z
    .array(z.strictObject({ stdin: z.string(), stdout: z.string() }))
    .min(1)
    .max(most),
});

/** What a program is tried with. A file of the kind has calls of one function, or a program's input and output. */
export type CodeTests = z.infer<typeof calls> | z.infer<typeof programs>;

/** As APPS and TACO have it in `input_output`, whose programs are in Python. Output of a call may stand in a list of its own. */
const inputOutput = z
  .object({
    language,
    fn_name: z.string().nullish(),
    inputs: z.array(z.json()).min(1).max(most),
    outputs: z.array(z.json()),
  })
  .refine(({ inputs, outputs }) => inputs.length === outputs.length);

/** A test of LiveCodeBench; of a function each line is an argument. */
const liveCodeTests = z.object({
  language,
  function: z.string().optional(),
  tests: z
    .array(z.object({ input: z.string(), output: z.string(), testtype: z.enum(['stdin', 'functional']) }))
    .min(1)
    .max(most),
});

export const codeTests = z.union([
  calls,
  programs,
  inputOutput.transform(fromInputOutput).pipe(z.union([calls, programs])),
  liveCodeTests.transform(fromLiveCodeBench).pipe(z.union([calls, programs])),
]);

/** One run of a program. What is expected of it never comes near the program. */
export type Job =
  | { readonly code: string; readonly function: string; readonly args: readonly (readonly unknown[])[] }
  | { readonly code: string; readonly stdin: readonly string[] };

/** Of each test what came of it, up to the first that failed by itself. */
export type Outcome =
  /** What the function returned, as JSON, or what the program wrote. */
  | { readonly output: string }
  /** It threw, took too many steps, too much time or memory, or wrote too much. */
  | { readonly failed: string };

function fromInputOutput({ fn_name, inputs, outputs, ...rest }: z.infer<typeof inputOutput>): unknown {
  const pairs = inputs.map((input, index) => ({ input, output: outputs[index] }));
  if (typeof fn_name === 'string') {
    const tests = pairs.map(({ input, output }) => ({ args: input, returns: unwrapped(output) }));
    return { language: 'python', ...rest, function: fn_name, tests };
  }
  const tests = pairs.map(({ input, output }) => ({ stdin: text(input), stdout: text(output) }));
  return { language: 'python', ...rest, tests };
}

function unwrapped(output: unknown): unknown {
  return Array.isArray(output) && output.length === 1 ? output[0] : output;
}

/** Some have a list of lines. */
function text(value: unknown): unknown {
  return Array.isArray(value) ? value.map(String).join('\n') : value;
}

function fromLiveCodeBench({ tests, ...rest }: z.infer<typeof liveCodeTests>): unknown {
  const type = rest.function === undefined ? 'stdin' : 'functional';
  if (tests.some(({ testtype }) => testtype !== type)) return undefined;
  if (type === 'stdin') {
    return { language: 'python', ...rest, tests: tests.map(({ input, output }) => ({ stdin: input, stdout: output })) };
  }
  return {
    language: 'python',
    ...rest,
    tests: tests.map(({ input, output }) => ({
      args: input.trim().split('\n').map(parsed),
      returns: parsed(output),
    })),
  };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
