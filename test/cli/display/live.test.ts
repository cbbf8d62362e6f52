import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from '@jest/globals';
import { liveDisplay } from '../../../cli/display/live.ts';
import { runOf } from './runs.ts';

test('warnings stay on the screen when the list of stages is gone', () => {
  const stream = new PassThrough();
  const display = liveDisplay(Object.assign(stream, { columns: 80, rows: 24, isTTY: true }) as never);
  const warnings = [{ reason: 'NoSignal', message: 'it learns nothing' }];
  display.update(runOf({ pretrained: { state: 'Succeeded', warnings } }));
  display.end();
  const shown = stripVTControlCharacters(String(stream.read()));
  expect(shown).toBe('pretrained: warning (NoSignal): it learns nothing\n');
});
