import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import type { Message } from '../../../trainer/contract/settings/dataset.ts';
import { UserError } from '../../../trainer/contract/process/errors.ts';
import { compileChatTemplate } from '../../../trainer/tokenizers/chat-template.ts';

// What jinja2 renders; made by test/fixtures/templates/make_golden.py.
const fixture = new URL('../../fixtures/templates/golden.json', import.meta.url);
const golden = JSON.parse(readFileSync(fixture, 'utf8')) as {
  readonly messages: Message[];
  readonly templates: readonly { readonly name: string; readonly template: string; readonly want: string | null }[];
};

test.each(golden.templates)('as jinja2 renders it: $name', ({ template, want }) => {
  const render = () => compileChatTemplate(template, { bos_token: '<s>', eos_token: '</s>' }, 'base')(golden.messages);
  if (want === null) expect(render).toThrow(UserError);
  else expect(render()).toBe(want);
});

test('arguments are variables of the template', () => {
  const template = '{% if enable_thinking is defined and enable_thinking is false %}<think></think>{% endif %}{{ n }}';
  const render = (variables: Record<string, boolean | number>) => compileChatTemplate(template, variables, 'base')([]);
  expect(render({})).toBe('');
  expect(render({ enable_thinking: false, n: 3 })).toBe('<think></think>3');
});

test.each([
  {
    name: 'a text that doubles',
    template: `{% set ns = namespace(x='a') %}${'{% set ns.x = ns.x ~ ns.x %}'.repeat(40)}{{ ns.x }}`,
  },
  { name: 'a macro that calls itself', template: '{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}' },
  { name: 'deep brackets', template: `{{ ${'('.repeat(100_000)} }}` },
])('is refused: $name', ({ template }) => {
  expect(() => compileChatTemplate(template, {}, 'base')(golden.messages)).toThrow(/^base: its chat template /);
});
