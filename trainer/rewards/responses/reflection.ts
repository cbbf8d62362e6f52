import { parseResponse } from './parse-response.ts';

/** Phrases with which a chain of thought verifies or revises itself; the English ones after DeepSeek-R1, figure 9. */
const phrases =
  /(?<!\p{L})(?:wait|check(?:ing)?|recheck|verif(?:y|ying|ied)|mistake|wrong|retry|however|evaluate|let me see|warte|moment|probe|(?:über)?prüfe[n]?|nachrechnen|fehler|falsch|jedoch|noch einmal)(?!\p{L})/giu;

/** Number of English and German phrases of verification and revision in the chain of thought of a whole response. */
export function countReflections(text: string): number {
  return parseResponse(text).languageText.match(phrases)?.length ?? 0;
}
