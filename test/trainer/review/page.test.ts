import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import type { Row } from '../../../trainer/contract/settings/dataset.ts';
import { ReviewServer } from '../../../trainer/review/review-server.ts';
import type { ReviewSession } from '../../../trainer/review/review-session.ts';
import { hasBrowser, openBrowser } from '../../support/browser.ts';
import { openSums, sum } from '../../support/review.ts';

/** Where pictures of the page are kept for people to look at; none are made where it is not set. */
const pictures = process.env['R1_SCREENSHOTS'];
const token = 'a-token';
const host = '127.0.0.1';

const apples: Row = {
  ...sum(17, 25),
  messages: [
    { role: 'system', content: 'Think before you answer.' },
    {
      role: 'user',
      content: 'A farmer picks 17 apples in the morning and 25 in the afternoon. How many are that in all?',
    },
  ],
  completion:
    '<think>In the morning there are 17 apples, and in the afternoon 25 more.\n17 + 25: 17 + 20 = 37, and 37 + 5 = 42.\nWait, is that right? 42 − 25 = 17. Yes.</think>\n<answer>42</answer>\nThe farmer picks 42 apples.',
};
const rows = [apples, sum(2, 3), sum(3, 4)];

async function picture(page: Page, name: string): Promise<void> {
  if (pictures) await page.screenshot({ path: join(pictures, `${name}.png`) });
}

async function expectText(page: Page, id: string, text: string | RegExp): Promise<void> {
  const element = page.locator(`#${id}`);
  const found = element.filter({ hasText: text });
  await found.waitFor({ state: 'attached' }).catch(() => undefined); // what is there instead says more
  expect(await element.textContent()).toMatch(text);
}

const onMachinesWithBrowser = hasBrowser ? describe : describe.skip;

onMachinesWithBrowser('the page of a review in a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser();
    if (pictures) await mkdir(pictures, { recursive: true });
  });
  afterAll(() => browser.close());

  let out: string;
  let session: ReviewSession;
  let server: ReviewServer;
  let said: string[];
  beforeEach(async () => {
    out = await mkdtemp(join(tmpdir(), 'r1-review-'));
    said = [];
  });
  afterEach(async () => {
    await server.close();
    await rm(out, { recursive: true, force: true });
    expect(said).toEqual([]);
  });

  async function serve(secondReader = 0, port = 0): Promise<void> {
    session = openSums(out, { rows, secondReader });
    server = await ReviewServer.listen(session, { host, port, token });
  }

  /** The page as a person opens it for the first time, in a browser of their own. */
  async function openAs(name: string, options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 1180, height: 760 }, ...options });
    const page = await context.newPage();
    page.on('pageerror', (error) => said.push(error.message));
    await page.goto(`http://${host}:${server.port}/#${token}`);
    await page.locator('#who').waitFor();
    await page.keyboard.type(name);
    await page.keyboard.press('Enter');
    await page.locator('#rows [aria-current]').waitFor();
    return page;
  }

  async function decisions(): Promise<Record<string, unknown>[]> {
    const text = await readFile(join(out, 'decisions.jsonl'), 'utf8').catch(() => '');
    return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Record<string, unknown>]));
  }

  test('keys alone decide on all rows: an edit is verified as it is written, and refused until its answer is right', async () => {
    await serve();
    const page = await openAs('Ada');
    await expectText(page, 'about', /^1 of 3 · /);
    await picture(page, 'row');
    await page.keyboard.press('e');
    const text = page.locator('#text');
    const better = apples.completion!.replace('Wait, is that right? 42 − 25 = 17. Yes.', 'So there are 42.');
    await text.fill(better.replaceAll('42', '43'));
    await expectText(page, 'check', /^✗ found "43".*gold 42$/);
    await picture(page, 'edit-refused');
    await page.keyboard.press('Control+Enter');
    await expectText(page, 'check', /^✗ the edit breaks the answer: found "43"/);
    expect(await decisions()).toEqual([]);

    await text.fill(better);
    await expectText(page, 'check', /^✓ the answer is correct: found "42"/);
    expect(await page.locator('#changes del').allTextContents()).toContain('Wait,');
    await picture(page, 'edit-correct');
    await page.keyboard.press('Control+Enter');
    await expectText(page, 'about', /^2 of 3 · /);

    await page.keyboard.press('c');
    await page.keyboard.type('says nothing');
    await page.keyboard.press('Enter');
    await page.keyboard.press('r');
    await expectText(page, 'about', /^3 of 3 · /);
    await page.keyboard.press('a');
    await expectText(page, 'notice', /^This is the last row: .* Press a again\.$/);
    await picture(page, 'last-row');
    await expectText(page, 'connection', 'all saved');
    expect(await decisions()).toHaveLength(2);
    await page.keyboard.press('a');
    await expectText(page, 'notice', /^The review is complete/);
    await page.keyboard.press('k');
    await page.keyboard.press('k');
    await picture(page, 'complete');
    expect(await decisions()).toMatchObject([
      { id: apples.id, decision: 'edit', reviewer: 'Ada', completion: better },
      { decision: 'reject', comment: 'says nothing' },
      { decision: 'accept' },
    ]);
  });

  test('it goes on where one was, and what is written in a row is never markup', async () => {
    const hostile = {
      ...sum(1, 1),
      completion: '<think><img src=x onerror="document.title=1"></think><answer>2</answer>',
    };
    session = openSums(out, { rows: [apples, hostile] });
    server = await ReviewServer.listen(session, { host, port: 0, token });
    const page = await openAs('Ada');
    await page.keyboard.press('j');
    await expectText(page, 'versions', '<img src=x');
    expect(await page.locator('img').count()).toBe(0);
    await page.reload();
    await expectText(page, 'about', /^2 of 2 · /);
    await page.keyboard.press('k');
    await page.keyboard.press('a');
    await page.reload();
    await expectText(page, 'about', /^2 of 2 · /);
    await expectText(page, 'reviewer', 'Ada');
  });

  test('while the server is away decisions are kept, over a reload too, and sent once it is back; a broken edit is told then', async () => {
    await serve();
    const { port } = server;
    const page = await openAs('Ada');
    await page.evaluate('navigator.serviceWorker.ready');
    await page.reload(); // through the worker, which keeps what it was given
    await page.locator('#rows [aria-current]').waitFor();
    await expectText(page, 'connection', 'all saved');
    await server.close();
    await page.keyboard.press('a');
    await expectText(page, 'connection', 'offline: 1 kept here');
    await page.keyboard.press('e');
    await page.locator('#text').fill('<answer>6</answer>');
    await expectText(page, 'check', 'no connection: it is verified once there is one');
    await page.keyboard.press('Control+Enter');
    await expectText(page, 'connection', 'offline: 2 kept here');
    await picture(page, 'offline');
    await page.reload();
    await expectText(page, 'connection', 'offline: 2 kept here');
    await expectText(page, 'summary', /^2 of 3 decided/);

    await serve(0, port);
    await expectText(page, 'connection', 'all saved');
    expect(await decisions()).toMatchObject([{ id: apples.id, decision: 'accept', reviewer: 'Ada' }]);
    await page.locator('#rows .refused').waitFor();
    await page.keyboard.press('n');
    await picture(page, 'refused-later');
    await expectText(page, 'versions', /Not taken: the edit breaks the answer: found "6".*gold 5/);
    await page.keyboard.press('e');
    expect(await page.locator('#text').inputValue()).toBe('<answer>6</answer>');
  });

  test('two readers decide apart; where they differ both are shown, and how far they agree', async () => {
    await serve(1);
    const ada = await openAs('Ada');
    const grace = await openAs('Grace', { colorScheme: 'dark' });
    for (const key of ['a', 'a', 'r']) {
      await ada.keyboard.press(key);
      await expectText(ada, 'connection', 'all saved');
    }
    await expectText(ada, 'notice', 'You are done. 3 rows wait for a second reader.');
    await grace.reload();
    await grace.locator('#rows [aria-current]').waitFor();
    expect(await grace.locator('.version').count()).toBe(0);
    await grace.keyboard.press('a');
    await expectText(grace, 'about', /^2 of 3 · /);
    await grace.keyboard.press('r');
    await expectText(grace, 'about', /^3 of 3 · /);
    await grace.keyboard.press('r');
    await expectText(grace, 'notice', /1 disputed row/);
    await grace.keyboard.press('d');
    await expectText(grace, 'about', /^2 of 3 · .*readers disagree$/);
    expect(await grace.locator('.version').allTextContents()).toEqual(['you (Grace) rejected', 'Ada accepted']);
    await expectText(grace, 'agreement', 'κ 0.40 · 67% agree on 3 read twice');
    await picture(grace, 'disputed-dark');
    await grace.keyboard.press('a');
    await grace.keyboard.press('a');
    await expectText(grace, 'notice', /^The review is complete/);
  });

  test('on a narrow screen nothing overflows', async () => {
    await serve();
    const page = await openAs('Ada', { viewport: { width: 400, height: 800 } });
    await page.keyboard.press('?');
    await picture(page, 'narrow-keys');
    await page.keyboard.press('Escape');
    await picture(page, 'narrow');
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
  });

  test('with another token it says what to do, and shows nothing', async () => {
    await serve();
    const page = await (await browser.newContext()).newPage();
    await page.goto(`http://${host}:${server.port}/#guess`);
    await expectText(page, 'notice', 'This address has another token now: open the one that r1 prints.');
    expect(await page.locator('#rows li').count()).toBe(0);
  });
});
