import type { MemoryRoom } from '../../passes/device-pass-memory.ts';
import type { Lanes } from './lanes.ts';

/**
 * Gives every lane as much memory as the one that has needed the most: which of them takes the longest part is chance, or the next step's
 * affair, and nothing is asked for after a step as long as any that comes.
 */
export async function levelRoom(lanes: Lanes): Promise<void> {
  if (lanes.size === 1) return;
  const room = mostOf(await lanes.each('room', () => ({})));
  await lanes.each('makeRoom', () => ({ room }));
}

function mostOf(rooms: readonly MemoryRoom[]): MemoryRoom {
  const most: Record<string, number> = {};
  for (const [name, bytes] of rooms.flatMap((room) => Object.entries(room)))
    most[name] = Math.max(most[name] ?? 0, bytes);
  return most;
}
