import { join } from 'node:path';
import { readModelDirectory } from '../checkpoint/model-directory.ts';
import { TrainerError } from '../contract/errors.ts';
import { type Head, parseHfConfig } from '../models/config.ts';
import { parameterLayout } from '../models/parameters.ts';
import { checkVocabulary, loadTokenizer } from '../tokenizers/tokenizer.ts';

/** What keeps a directory from being used as a model; the values of its weights are not looked at. */
export async function modelProblem(directory: string, head: Head): Promise<string | undefined> {
  try {
    const model = await readModelDirectory(directory);
    const config = parseHfConfig(model.config, join(directory, 'config.json'));
    await model.checkParameters(parameterLayout(config, head), head === 'scalar' ? ['score.weight'] : []);
    const tokenizer = await loadTokenizer(directory);
    await tokenizer.close();
    checkVocabulary(tokenizer, config.vocabularySize, directory);
    return undefined;
  } catch (error) {
    // What somebody else's file sets off in a library is that file's problem, too.
    return error instanceof TrainerError ? error.message : `${directory}: cannot be used: ${String(error)}`;
  }
}
