import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export interface PageFile {
  readonly type: string;
  readonly content: Buffer;
}

const own = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/style.css': ['style.css', 'text/css; charset=utf-8'],
  '/page.js': ['page.js', 'text/javascript; charset=utf-8'],
  '/store.js': ['store.js', 'text/javascript; charset=utf-8'],
  '/draw.js': ['draw.js', 'text/javascript; charset=utf-8'],
  '/text.js': ['text.js', 'text/javascript; charset=utf-8'],
  '/offline.js': ['offline.js', 'text/javascript; charset=utf-8'],
} as const;

/** The page by the paths of its files; nothing in them is a secret. */
export async function pageFiles(): Promise<ReadonlyMap<string, PageFile>> {
  const files = Object.entries(own).map(async ([path, [name, type]]) => {
    const content = await readFile(new URL(`page/${name}`, import.meta.url));
    return [path, { type, content }] as const;
  });
  const diff = await readFile(
    join(dirname(createRequire(import.meta.url).resolve('diff/package.json')), 'dist/diff.min.js'),
  );
  return new Map([...(await Promise.all(files)), ['/diff.js', { type: own['/page.js'][1], content: diff }]]);
}
