import { join } from 'node:path';
import { generatorSettings, type Row } from '../../trainer/contract/settings/dataset.ts';
import { generateRows } from '../../trainer/data/generators/generate.ts';
import { writeJsonLines } from './json-lines.ts';

/** Imported chats, as datasets of a manifest. */
export interface Chats {
  readonly name: string;
  readonly file: string;
  readonly domain: 'reasoning' | 'general';
}

/**
 * Writes chats as people have them: sums with the bare answer and greetings with a reply, none of which has a chain of thought. They are of
 * the training side of the example's datasets.
 *
 * @param directory an absolute path
 * @param seed that of the run
 */
export async function writeChats(directory: string, seed: number): Promise<readonly Chats[]> {
  const sums = rowsOf('addition', seed, 800).map(({ messages, answer }) => ({
    prompt: messages[0]?.content,
    completion: `<answer>${answer?.gold}</answer>`,
    answer: answer?.gold,
  }));
  const greetings = rowsOf('greetings', seed, 300).map(({ messages, completion }) => ({
    prompt: messages[0]?.content,
    completion,
  }));
  return [
    await write(directory, { name: 'chat-sums', domain: 'reasoning' }, sums),
    await write(directory, { name: 'chat-greetings', domain: 'general' }, greetings),
  ];
}

function rowsOf(task: 'addition' | 'greetings', seed: number, rows: number): Row[] {
  return [...generateRows(task, generatorSettings.parse({ task, rows, digits: 2 }), seed, 'train')];
}

async function write(directory: string, chats: Omit<Chats, 'file'>, rows: readonly object[]): Promise<Chats> {
  const file = join(directory, `${chats.name}.jsonl`);
  return { ...chats, file: await writeJsonLines(file, rows) };
}
