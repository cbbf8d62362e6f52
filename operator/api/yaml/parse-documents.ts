import { type Document, type LineCounter, parseAllDocuments } from 'yaml';

/** The documents of a manifest as kubectl takes them, with merge keys (`<<: *defaults`). @throws RangeError where they are nested too deeply */
export function parseDocuments(text: string, lineCounter?: LineCounter): Document.Parsed[] {
  const options = { merge: true, prettyErrors: false, logLevel: 'error' } as const;
  return [...parseAllDocuments(text, { ...options, ...(lineCounter && { lineCounter }) })];
}
