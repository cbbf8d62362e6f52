import { javaScriptRunner } from '../rewards/code/javascript-runner.ts';
import { type CallableTool, definitionOf, textArgument, ToolFault } from './tool.ts';

const longestProgram = 20_000;

/** Runs a program in the sandbox in which answers that are programs are run: without network and files, bounded in steps and memory. */
export const code: CallableTool = {
  definition: definitionOf('code', 'Runs a JavaScript program and returns what it prints.', [
    'code',
    'The program; console.log prints',
  ]),
  run(given) {
    const program = textArgument(given, 'code');
    if (program.length > longestProgram)
      throw new ToolFault(`argument code: found ${program.length} characters, expected at most ${longestProgram}`);
    const [outcome] = javaScriptRunner.run({ code: program, stdin: [''] }) ?? [];
    if (outcome === undefined) throw new ToolFault('the run took too long');
    if ('failed' in outcome) throw new ToolFault(outcome.failed);
    return outcome.output.trimEnd() || 'the program printed nothing';
  },
};
