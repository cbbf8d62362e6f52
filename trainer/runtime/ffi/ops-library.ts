import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Api, Ops } from './api.ts';
import { opsPackage, opsPlatforms, platformName } from './ops-platform.ts';
import { opsSources } from './ops-sources.ts';

const native = fileURLToPath(new URL('../../../native', import.meta.url));

/** A library of kernels, by the name of where it lies. */
interface OpsLibrary {
  readonly place: string;
  readonly path: string;
}

/**
 * Opens the kernels that were compiled from the sources here: what this checkout or image has built, else the package for this platform.
 *
 * @throws Error that says of each why it is not used
 */
export function openOpsLibrary(api: Api): Ops {
  const { found, missing } = opsLibraries();
  const reasons = [...missing];
  for (const library of found) {
    try {
      return openOps(api, library);
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new Error(reasons.join(', '));
}

/** @throws Error that says why the library is not used */
export function openOps(api: Api, { place, path }: OpsLibrary): Ops {
  const expected = opsSources(native);
  let ops: Ops;
  try {
    ops = api.openOps(path);
  } catch (error) {
    throw new Error(`${place} does not load: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  if (expected === undefined || ops.sources === expected) return ops;
  throw new Error(`${place} was compiled from other sources (${ops.sources}) than are here (${expected})`);
}

/** The libraries that there are for this platform, the one to be preferred first; and of the others why there are none. */
export function opsLibraries(): { readonly found: readonly OpsLibrary[]; readonly missing: readonly string[] } {
  const platform = opsPlatforms.find(({ os, cpu }) => os === process.platform && cpu === process.arch);
  if (platform === undefined) {
    return { found: [], missing: [`there are none for ${process.platform}-${process.arch}`] };
  }
  const [found, missing]: [OpsLibrary[], string[]] = [[], []];
  const built = join(native, 'build', platformName(platform), platform.library);
  if (existsSync(built)) found.push({ place: 'native/build', path: built });
  else missing.push(`native/build has none for ${platformName(platform)}`);
  const name = opsPackage(platform);
  try {
    found.push({ place: name, path: createRequire(import.meta.url).resolve(`${name}/${platform.library}`) });
  } catch {
    missing.push(`${name} is not installed`);
  }
  return { found, missing };
}
