import { expect, test } from '@jest/globals';
import { html, scriptJson } from '../../../trainer/report/html.ts';
import { highlight } from '../../../trainer/report/sections/samples.ts';

test('escapes every value and leaves markup of nested templates alone', () => {
  const inner = html`<b>${'<i>&"\''}</b>`;
  expect(html`<p title="${'"'}">${[inner, 1, undefined, false]}</p>`.text).toBe(
    '<p title="&quot;"><b>&lt;i&gt;&amp;&quot;&#39;</b>1</p>',
  );
});

test('replaces controls, direction marks and lone surrogates, and keeps tabs and line feeds', () => {
  expect(html`${'a\u0000b\u001B[31mc\u202Ed\uD800e\r\nf\tg😀'}`.text).toBe('a�b�[31mc�d�e\nf\tg😀');
});

test('JSON cannot end its script element', () => {
  expect(scriptJson({ a: '</script><!--' }).text).toBe(String.raw`{"a":"\u003c/script>\u003c!--"}`);
});

test.each([
  {
    name: 'marks think and answer',
    text: '<think>a<b</think>\n<answer>4</answer>!',
    marked:
      '<span class="think"><i>&lt;think&gt;</i>a&lt;b<i>&lt;/think&gt;</i></span>\n' +
      '<span class="answer"><i>&lt;answer&gt;</i>4<i>&lt;/answer&gt;</i></span>!',
  },
  { name: 'leaves an open tag as text', text: '<think>a', marked: '&lt;think&gt;a' },
  {
    name: 'lets no markup through from inside a tag',
    text: '<answer></span><script>x</script></answer>',
    marked:
      '<span class="answer"><i>&lt;answer&gt;</i>&lt;/span&gt;&lt;script&gt;x&lt;/script&gt;<i>&lt;/answer&gt;</i></span>',
  },
])('a completion: $name', ({ text, marked }) => {
  expect(highlight(text).text).toBe(marked);
});

test.each([
  { text: '<think>\na</think>b', opening: '<think>\n', before: 'a</' },
  { text: '<think>\n\n</think>\n\nb', opening: '<think>\n\n</think>\n\n', before: 'b' },
  { text: '<think>Okay, so</think>b', opening: '<think>Okay', before: ', so' },
  { text: '<think>\nnever ends', opening: '<think>\n', before: 'never ends' },
])('a response shows where the model began to write: $opening', ({ text, opening, before }) => {
  const marks = highlight(text, opening).text.split(/<b class="seam"[^>]*>▸<\/b>/);
  expect(marks).toHaveLength(2);
  expect(marks[1]?.replaceAll(/<\/?(?:i|span)[^>]*>/g, '').replaceAll('&lt;', '<')).toMatch(new RegExp(`^${before}`));
  expect(highlight(text).text).not.toContain('seam');
});
