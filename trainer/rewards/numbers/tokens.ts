/** What a piece of text is to a number beside it. */
export type Kind = 'number' | 'ideograph' | 'word' | 'maths' | 'command' | 'space' | 'money' | 'other';

export interface Token {
  readonly kind: Kind;
  readonly text: string;
}

/** Digits with separators between them; groups of three may stand apart; `.5` begins a number where nothing is before it. */
const number =
  String.raw`(?<![\d.,]|\d )\d{1,3}(?: \d{3})+(?!\d)(?:[.,]\d+)?` +
  String.raw`|(?:\d+|(?<![\p{L}\p{N})\]}.])\.\d+)` +
  String.raw`(?:(?:[.,_\u00a0\u202f\u2009~]|['’](?=\d{3})|\{[.,]\}|\{\\,\}|\\[,;!: ]|,\\!)\d+)*` +
  String.raw`(?:[eE][-+]?\d+(?![\p{L}\d]))?`;

const maths =
  String.raw`\\(?:[dtc]?frac|sqrt|cdot|times|div|left|right|overline|text|mathrm|mathbf|textbf|circ)(?![a-zA-Z])` +
  String.raw`|[-+*×·⋅÷/^_(){}°]`;

/** A letter of a script that puts no spaces between words, so that what stands beside it need not belong to it. */
const ideograph = ['Han', 'Hiragana', 'Katakana', 'Hangul', 'Thai', 'Lao', 'Khmer', 'Myanmar']
  .map((script) => String.raw`\p{Script=${script}}`)
  .join('');

const pattern = new RegExp(
  String.raw`(${number})|([${ideograph}])|([\p{L}\p{M}]+)|(${maths})|(\\[a-zA-Z]+|\\[^$])|(\s+)|(\\?\p{Sc})|[^]`,
  'gu',
);

const kinds: readonly Kind[] = ['number', 'ideograph', 'word', 'maths', 'command', 'space', 'money'];

/** Cuts a text into numbers, words, signs of arithmetic, TeX commands, white space, currencies and single other characters. */
export function tokensOf(text: string): Token[] {
  return Array.from(text.matchAll(pattern), (match) => ({
    kind: kinds[kinds.findIndex((_kind, index) => match[index + 1] !== undefined)] ?? 'other',
    text: match[0],
  }));
}
