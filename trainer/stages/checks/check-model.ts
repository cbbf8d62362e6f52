import { join } from 'node:path';
import { readModelDirectory } from '../../checkpoint/model-directory.ts';
import { TrainerError } from '../../contract/process/errors.ts';
import type { FileCheck } from '../../contract/settings/file-check.ts';
import { parseHfConfig } from '../../models/config.ts';
import { parameterLayout } from '../../models/parameters.ts';
import { requireOneLabel } from '../../models/sequence-classifier.ts';
import { checkVocabulary } from '../../tokenizers/tokenizer.ts';
import type { OpenTokenizers } from './open-tokenizers.ts';

type NamedHead = FileCheck['models'][number]['head'];

/** What keeps a directory from being used as a model; the values of its weights are not looked at. */
export async function modelProblem(
  directory: string,
  head: NamedHead,
  tokenizers: OpenTokenizers,
): Promise<string | undefined> {
  try {
    const model = await readModelDirectory(directory);
    if (head === 'scalar') requireOneLabel(model.config, join(directory, 'config.json'));
    const config = parseHfConfig(model.config, join(directory, 'config.json'));
    const mayBeMissing = head === 'maybeScalar' ? ['score.weight'] : [];
    await model.checkParameters(parameterLayout(config, head === 'lm' ? 'lm' : 'scalar'), mayBeMissing);
    checkVocabulary(await tokenizers.open({ directory }), config.vocabularySize, directory);
    return undefined;
  } catch (error) {
    // What somebody else's file sets off in a library is that file's problem, too.
    return error instanceof TrainerError ? error.message : `${directory}: cannot be used: ${String(error)}`;
  }
}
