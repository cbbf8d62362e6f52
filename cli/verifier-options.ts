import { type Command, Option } from 'commander';
import { answerKinds, answerPlaces } from '../trainer/contract/settings/dataset.ts';
import { UserError } from '../trainer/contract/process/errors.ts';
import { languages } from '../trainer/contract/settings/languages.ts';
import type { GradeDefaults } from '../trainer/data/grading/grade-rows.ts';
import type { RewardFile } from '../trainer/data/grading/score-rows.ts';

/** Which verifier is meant: one of ours, or a reward of one's own. */
export interface VerifierOptions extends GradeDefaults {
  readonly module?: string;
  readonly python?: string;
  readonly function?: string;
  readonly format?: 'conversational' | 'standard';
  readonly interpreter?: string;
  readonly http?: string;
  readonly tokenVariable?: string;
}

const ofOurs = ['kind', 'in', 'language'];

export function addVerifierOptions(command: Command): Command {
  return command
    .addOption(new Option('--kind <kind>', 'how answers are compared (default: number)').choices(answerKinds))
    .addOption(new Option('--in <place>', 'where the answer is read (default: answerTag)').choices(answerPlaces))
    .addOption(new Option('--language <code>', 'language of the completions').choices(languages))
    .addOption(new Option('--module <file>', "score with a reward of one's own instead").conflicts(ofOurs))
    .addOption(new Option('--python <file>', 'the same in Python, called as TRL does').conflicts([...ofOurs, 'module']))
    .addOption(new Option('--function <name>', 'of --python: its function (default: the only one)'))
    .addOption(
      new Option('--format <format>', 'of --python: how it gets completions (default: conversational)').choices([
        'conversational',
        'standard',
      ]),
    )
    .addOption(new Option('--interpreter <python>', 'of --python: what runs it (default: pyodide, which comes along)'))
    .addOption(
      new Option('--http <url>', "the same with a service of one's own").conflicts([...ofOurs, 'module', 'python']),
    )
    .addOption(new Option('--token-variable <name>', 'of --http: environment variable that holds its token'));
}

/** The reward of one's own that options name; nothing where a verifier of ours is meant. @throws UserError for an option of another */
export function rewardOf(options: VerifierOptions): RewardFile | undefined {
  const { module, python, function: name, format, interpreter, http, tokenVariable } = options;
  const ofPython = {
    ...(name !== undefined && { function: name }),
    ...(format !== undefined && { format }),
    ...(interpreter !== undefined && { interpreter }),
  };
  const [stray] = Object.keys(ofPython);
  if (python === undefined && stray !== undefined) {
    throw new UserError(`--${stray}: found no --python that it could belong to`);
  }
  if (http === undefined && tokenVariable !== undefined) {
    throw new UserError('--token-variable: found no --http that it could belong to');
  }
  if (python !== undefined) return { python: { file: python, ...ofPython } };
  if (module !== undefined) return { module: { file: module } };
  if (http === undefined) return undefined;
  return { http: { url: http, ...(tokenVariable !== undefined && { token: { variable: tokenVariable } }) } };
}
