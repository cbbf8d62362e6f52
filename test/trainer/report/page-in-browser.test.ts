import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from '@jest/globals';
import { writeReport } from '../../../trainer/report/write-report.ts';
import { hasBrowser, openBrowser } from '../../support/browser.ts';
import { useSharedDirectory } from '../../support/shared-directory.ts';
import { writePipelineState } from '../../support/synthetic-run/write-pipeline-state.ts';

const root = useSharedDirectory();

// Where LANG is C or C.UTF-8, as in containers and on servers, Chromium names a language that is none: en-US@posix.
(hasBrowser ? test : test.skip)(
  'every chart in view is drawn, whatever language the browser names',
  async () => {
    const file = await writeReport(await writePipelineState(join(root(), 'finished')));
    const browser = await openBrowser({ LANG: 'C.UTF-8' });
    try {
      const page = await browser.newPage();
      const errors: string[] = [];
      page.on('pageerror', ({ message }) => errors.push(message));
      await page.goto(pathToFileURL(file).href);
      await page.locator('.plot').first().scrollIntoViewIfNeeded();
      await page.locator('.plot canvas').first().waitFor();
      expect(errors).toEqual([]);
    } finally {
      await browser.close();
    }
  },
  120_000,
);
