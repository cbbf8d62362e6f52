import { randomKey } from '../../algorithms/random.ts';
import type { Row } from '../../contract/settings/dataset.ts';

/** Whether a row is kept back, by a hash of its prompt, so that equal prompts stay on one side. @param fraction share of the prompts, 0–1 */
export function isHeldOut(
  { messages, completion = '' }: Pick<Row, 'messages' | 'completion'>,
  fraction: number,
): boolean {
  const [hash] = randomKey('held-out', messages.length > 0 ? JSON.stringify(messages) : completion);
  return hash / 2 ** 32 < fraction;
}
