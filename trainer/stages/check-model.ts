import { join } from 'node:path';
import { readModelDirectory } from '../checkpoint/model-directory.ts';
import { TrainerError } from '../contract/errors.ts';
import { type Head, parseHfConfig } from '../models/config.ts';
import { parameterLayout } from '../models/parameters.ts';
import { checkVocabulary, loadTokenizer, type Tokenizer } from '../tokenizers/tokenizer.ts';

/**
 * Opens a directory as far as that needs no memory of the size of its weights, whose values are not looked at.
 *
 * @returns its tokenizer, or what keeps it from being used as a model
 */
export async function openForCheck(directory: string, head: Head): Promise<Tokenizer | { readonly problem: string }> {
  try {
    const model = await readModelDirectory(directory);
    const config = parseHfConfig(model.config, join(directory, 'config.json'));
    await model.checkParameters(parameterLayout(config, head), head === 'scalar' ? ['score.weight'] : []);
    const tokenizer = await loadTokenizer(directory);
    try {
      checkVocabulary(tokenizer, config.vocabularySize, directory);
      return tokenizer;
    } catch (error) {
      await tokenizer.close();
      throw error;
    }
  } catch (error) {
    // What somebody else's file sets off in a library is that file's problem, too.
    return {
      problem: error instanceof TrainerError ? error.message : `${directory}: cannot be used: ${String(error)}`,
    };
  }
}
