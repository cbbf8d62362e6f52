import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

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

/**
 * The custom ops of native/, as this checkout or image has built them.
 *
 * @throws Error where it has not
 */
export function opsLibrary(): string {
  const { platform, arch } = process;
  const name = platform === 'darwin' ? 'libr1ops.dylib' : 'libr1ops.so';
  const path = fileURLToPath(new URL(`../../../native/build/${platform}-${arch}/${name}`, import.meta.url));
  if (!existsSync(path)) throw new Error(`native/build has no kernels for ${platform}-${arch}`);
  return path;
}
