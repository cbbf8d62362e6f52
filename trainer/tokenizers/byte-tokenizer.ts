import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeWithin } from '../contract/files/make-directory.ts';

/** Tokens that the model reads and writes, but no reader sees: `decode` drops them. */
const controlTokens = ['<|pad|>', '<|system|>', '<|user|>', '<|assistant|>', '<|end|>'];
/** Tokens of a completion's form; they stay in the decoded text, where rewards look for them. */
const tagTokens = ['<think>', '</think>', '<answer>', '</answer>'];

const chatTemplate =
  "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] }}" +
  "{% if message['role'] == 'assistant' %}{{ '<|end|>' }}{% endif %}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

/**
 * Writes a tokenizer of UTF-8 bytes: id = byte, then the control tokens from 256 and the tags. A byte-level BPE without
 * merges, so that transformers opens it, too. Text is brought to NFC first, because transformers 5 does that for every
 * model of the Qwen2 family whatever its `tokenizer.json` says.
 */
export async function writeByteTokenizer(directory: string): Promise<void> {
  await makeWithin(directory);
  const write = (name: string, content: unknown) =>
    writeFile(join(directory, name), `${JSON.stringify(content, undefined, 1)}\n`);
  await write('tokenizer.json', tokenizerJson());
  await write('tokenizer_config.json', {
    tokenizer_class: 'PreTrainedTokenizerFast',
    pad_token: '<|pad|>',
    eos_token: '<|end|>',
    additional_special_tokens: ['<|system|>', '<|user|>', '<|assistant|>'],
    clean_up_tokenization_spaces: false,
    chat_template: chatTemplate,
  });
}

function tokenizerJson() {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [...controlTokens, ...tagTokens].map((content, i) => ({
      id: 256 + i,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: controlTokens.includes(content),
    })),
    normalizer: { type: 'NFC' },
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(byteCharacters().map((character, byte) => [character, byte])),
      merges: [],
    },
  };
}

/**
 * The character that byte-level BPE writes for each byte: itself where it is printable Latin-1, else one of U+0100 and
 * following.
 *
 * Source: GPT-2, https://github.com/openai/gpt-2/blob/master/src/encoder.py, bytes_to_unicode
 */
function byteCharacters(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    return String.fromCharCode(printable ? byte : next++);
  });
}
