import { join, relative } from 'node:path';
import { opsPlatforms, platformName } from '../trainer/runtime/ffi/ops-platform.ts';
import { packOps } from './pack-ops.ts';

/** `npm run pack:native`: packages of all platforms that are compiled, to be published as they lie there. */
const out = join(import.meta.dirname, 'build/packages');
for (const platform of opsPlatforms) {
  const directory = packOps(platform, out);
  const name = platformName(platform);
  console.log(`${name}: ${directory ? relative(process.cwd(), directory) : 'not compiled'}`);
}
