import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { withTemplateText } from '../../../trainer/tokenizers/template-file.ts';
import { useTemporaryDirectory } from '../../support/temporary-directory.ts';

const directory = useTemporaryDirectory();

test('a template counts by its text, whether it lies in a file or not', async () => {
  const templateFile = join(directory(), 'chat.jinja');
  await writeFile(templateFile, '{{ messages }}\n');
  const settings = { prefill: '<think>', template: '{{ messages }}\n' };
  expect(JSON.stringify(await withTemplateText({ prefill: '<think>', templateFile }))).toBe(JSON.stringify(settings));
  expect(await withTemplateText(settings)).toEqual(settings);
});

test.each([
  { name: 'missing', text: undefined, says: 'found nothing, expected a chat template' },
  { name: 'empty', text: '', says: 'found an empty file, expected a chat template' },
  { name: 'too long', text: 'x'.repeat(65_537), says: 'has 65537 bytes; at most 65536 are read' },
])('a template file that is $name is refused by its path', async ({ text, says }) => {
  const templateFile = join(directory(), 'chat.jinja');
  if (text !== undefined) await writeFile(templateFile, text);
  await expect(withTemplateText({ templateFile })).rejects.toThrow(`${templateFile}: ${says}`);
});
