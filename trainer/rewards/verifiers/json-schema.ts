import { createRequire } from 'node:module';
import type { Ajv2020, ValidateFunction } from 'ajv/dist/2020.js';
import { canonicalJson } from '../../algorithms/canonical-json.ts';
import { readJson } from './json-text.ts';
import { compilePattern } from './pattern.ts';
import { correct, type Verifier, wrong } from './verifier.ts';

const maxSchema = 20_000;

interface Gold {
  readonly text: string;
  readonly validate: ValidateFunction;
}

/** JSON that a schema (draft 2020-12) describes. Its patterns are RE2's, which run in linear time; it refers to nothing outside of itself. */
export const jsonSchemaVerifier: Verifier<Gold, { readonly value: unknown }> = {
  expects:
    'a JSON schema of draft 2020-12 with known keywords, no format, no $ref to other files and patterns in RE2 syntax',
  parseGold(text) {
    if (text.length > maxSchema || !text.trimStart().startsWith('{')) return undefined;
    try {
      const schema = JSON.parse(text) as object;
      const validate = (compiler ??= createCompiler()).compile(schema);
      // It keeps what it has compiled, and refuses a second schema of the same name.
      compiler.removeSchema(schema);
      return { text, validate };
    } catch {
      compiler = undefined;
      return undefined;
    }
  },
  read: readJson,
  grade: ({ validate }, { value }) => (validate(value) ? correct : wrong),
  spell: ({ value }) => canonicalJson(value),
  spellGold: ({ text }) => text,
};

let compiler: Ajv2020 | undefined;

function createCompiler(): Ajv2020 {
  const { Ajv2020: Ajv } = createRequire(import.meta.url)('ajv/dist/2020.js') as { Ajv2020: typeof Ajv2020 };
  const regExp = Object.assign(linearPattern, { code: 'new RegExp' });
  return new Ajv({ strictTypes: false, strictTuples: false, strictRequired: false, logger: false, code: { regExp } });
}

/** By the text of a pattern it is told from others. */
function linearPattern(pattern: string): { test(text: string): boolean; toString(): string } {
  const compiled = compilePattern(pattern);
  return { test: (text) => compiled.matcher(text).find(), toString: () => `/${pattern}/` };
}
