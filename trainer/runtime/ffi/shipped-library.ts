import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The library that onnxruntime-node brings along, by platform. */
const fileNames: Partial<Record<NodeJS.Platform, string>> = {
  linux: 'libonnxruntime.so.1',
  darwin: 'libonnxruntime.1.dylib',
  win32: 'onnxruntime.dll',
};

/** @throws Error where the package has none for this platform */
export function shippedLibrary(): string {
  const home = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
  const { platform, arch } = process;
  const path = join(home, 'bin', 'napi-v6', platform, arch, fileNames[platform] ?? '');
  if (fileNames[platform] === undefined || !existsSync(path)) {
    throw new Error(`onnxruntime-node has no library for ${platform} ${arch}: found nothing at ${path}`);
  }
  return path;
}
