import type { z } from 'zod';

/** A gold answer of several fields, which a row has as an object: its JSON text. `undefined` if it is none, or another object. */
export function parseJson<T extends z.ZodType>(schema: T, text: string): z.infer<T> | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
