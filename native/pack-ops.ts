import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { opsPackage, type OpsPlatform, platformName } from '../trainer/runtime/ffi/ops-platform.ts';
import { opsSources } from '../trainer/runtime/ffi/ops-sources.ts';

const root = join(import.meta.dirname, '..');

/**
 * Makes the package of one platform from what `npm run build:native` has compiled for it.
 *
 * @param out directory in which the package gets one of its own
 * @returns the package's directory; nothing where the platform's library has not been compiled
 * @throws Error where it was compiled from other sources than are here
 */
export function packOps(platform: OpsPlatform, out: string): string | undefined {
  const name = platformName(platform);
  const library = join(root, 'native/build', name, platform.library);
  if (!existsSync(library)) return undefined;
  const sources = opsSources(join(root, 'native')) as string;
  if (!readFileSync(library).includes(sources)) {
    throw new Error(
      `native/build/${name} was compiled from other sources than are here (${sources}): compile it again`,
    );
  }
  const directory = join(out, `ops-${name}`);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const manifest = { ...opsManifest(platform, version), sources };
  writeFileSync(join(directory, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  cpSync(library, join(directory, platform.library));
  cpSync(join(root, 'LICENSE'), join(directory, 'LICENSE'));
  cpSync(join(root, 'native/third_party/onnxruntime/LICENSE'), join(directory, 'LICENSE.onnxruntime'));
  return directory;
}

/** What npm reads of a package: it installs it where all of `os`, `cpu` and `libc` fit. */
export function opsManifest(platform: OpsPlatform, version: string) {
  const { os, cpu, libc, tested } = platform;
  return {
    name: opsPackage(platform),
    version,
    description: `Kernels of r1-operator for ${platformName(platform)} (${tested}).`,
    license: 'Apache-2.0 AND MIT',
    os: [os],
    cpu: [cpu],
    ...(libc && { libc: [libc] }),
  };
}
