import { type ChatSettings, longestTemplate } from '../contract/settings/chat.ts';
import { UserError } from '../contract/process/errors.ts';
import { readInputText } from '../contract/files/input-file.ts';

/**
 * Chat settings of which the template is text: it decides a stage by what it says, wherever it was written.
 *
 * @throws UserError for a template file that cannot be read, is empty or too long
 */
export async function withTemplateText({ templateFile, ...chat }: ChatSettings): Promise<ChatSettings> {
  if (templateFile === undefined) return chat;
  const template = await readInputText(templateFile, longestTemplate);
  if (template === undefined || template === '') {
    throw new UserError(
      `${templateFile}: found ${template === '' ? 'an empty file' : 'nothing'}, expected a chat template`,
    );
  }
  return { ...chat, template };
}
