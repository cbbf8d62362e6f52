/** Answers stand at the end, and are shorter. */
const window = 600;
const quantity =
  /[-+−]?\d[\d.,]*(?:[eE][-+]?\d+|\s*(?:×|\\times)\s*10\^\{?-?\d+\}?)?(?:\\[,;: ]|[\s~])?(?:°\s?[CF]?|\\?%|‰|(?:\\(?:text|mathrm)\{[^{}]{1,20}\}|[\p{L}µΩ]{1,14}(?:\^\{?-?\d\}?|[²³])?)(?:[/·*](?:[\p{L}µΩ]{1,14}(?:\^\{?-?\d\}?|[²³])?))*)/gu;

/** The last number of a text with a unit behind it; linear in the length of the text. */
export function lastQuantity(text: string): string | undefined {
  return [...text.slice(-window).matchAll(quantity)].at(-1)?.[0];
}
