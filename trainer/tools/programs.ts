import { runCode } from '../rewards/code/run-code.ts';
import { type CallableTool, definitionOf, textArgument, ToolFault } from './tool.ts';

const longestProgram = 20_000;

/** Runs a program in the sandbox in which answers that are programs are run: without network and files, bounded in steps and memory. */
export const code: CallableTool = {
  definition: definitionOf('code', 'Runs a JavaScript program and returns what it prints.', [
    'code',
    'The program; console.log prints',
  ]),
  async run(given) {
    const program = textArgument(given, 'code');
    if (program.length > longestProgram)
      throw new ToolFault(`argument code: found ${program.length} characters, expected at most ${longestProgram}`);
    const outcomes = await runCode('javascript', { code: program, stdin: [''] });
    const outcome = typeof outcomes === 'string' ? undefined : outcomes[0];
    if (outcome === undefined) throw new ToolFault('the run took too long');
    if ('failed' in outcome) throw new ToolFault(outcome.failed);
    return outcome.output.trimEnd() || 'the program printed nothing';
  },
};
