import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import chromium, { inflate } from '@sparticuz/chromium';
import { type Browser, chromium as driver } from 'playwright-core';

/** There is a Chromium among the packages of the project for Linux on x64 alone. */
export const hasBrowser = process.platform === 'linux' && process.arch === 'x64';

/**
 * A real browser, with the libraries that a machine without any desktop lacks.
 *
 * @param environment variables that it has beside those of the process
 */
export async function openBrowser(environment: Readonly<Record<string, string>> = {}): Promise<Browser> {
  const packaged = join(dirname(fileURLToPath(import.meta.resolve('@sparticuz/chromium'))), '../bin');
  const [executablePath] = await Promise.all([chromium.executablePath(), inflate(join(packaged, 'al2023.tar.br'))]);
  return driver.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu'],
    env: { ...process.env, ...environment, LD_LIBRARY_PATH: join(tmpdir(), 'al2023/lib') },
  });
}
