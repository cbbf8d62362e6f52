import { readFile } from 'node:fs/promises';
import { UserError } from '../../contract/process/errors.ts';
import { type StageFile, stageFile } from '../../contract/settings/stage-file.ts';
import { withTemplateText } from '../../tokenizers/template-file.ts';

/** Reads and checks a stage file. @throws UserError that names every problem with its path */
export async function readStageFile(path: string): Promise<StageFile> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new UserError(`${path}: expected a stage file in JSON: ${String(error)}`, { cause: error });
  }
  const parsed = stageFile.safeParse(json);
  if (parsed.success) {
    const { chat, ...file } = parsed.data;
    return { ...file, ...(chat && { chat: await withTemplateText(chat) }) };
  }
  const problems = parsed.error.issues.map(({ path: at, message }) => `${at.join('.')}: ${message}`);
  throw new UserError(`${path}: ${problems.join('; ')}`);
}
