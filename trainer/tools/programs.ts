import type { Language } from '../rewards/code/code-tests.ts';
import { runCode } from '../rewards/code/run-code.ts';
import { type CallableTool, definitionOf, textArgument, ToolFault } from './tool.ts';

const longestProgram = 20_000;

/** Programs run where answers that are programs are run: without network and files, bounded in steps, time and memory. */
export const javascript = programTool(
  'javascript',
  'Runs a JavaScript program and returns what it prints.',
  'console.log prints',
);
export const python = programTool('python', 'Runs a Python program and returns what it prints.', 'print prints');

function programTool(language: Language, description: string, prints: string): CallableTool {
  return {
    definition: definitionOf(language, description, ['code', `The program; ${prints}`]),
    async run(given) {
      const program = textArgument(given, 'code');
      if (program.length > longestProgram)
        throw new ToolFault(`argument code: found ${program.length} characters, expected at most ${longestProgram}`);
      const outcomes = await runCode(language, { code: program, stdin: [''] });
      const outcome = outcomes?.[0];
      if (outcome === undefined) throw new ToolFault('the run was lost');
      if ('failed' in outcome) throw new ToolFault(outcome.failed);
      return outcome.output.trimEnd() || 'the program printed nothing';
    },
  };
}
