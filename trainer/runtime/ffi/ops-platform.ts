/** Where the kernels of native/ run: `os`, `cpu` and `libc` as npm names them. */
export interface OpsPlatform {
  readonly os: 'linux' | 'darwin';
  readonly cpu: 'x64' | 'arm64';
  readonly libc?: 'glibc';
  readonly library: string;
  readonly tested: string;
}

/** Those that there are packages for. ONNX Runtime itself has no library for Linux with musl. */
export const opsPlatforms: readonly OpsPlatform[] = [
  { os: 'linux', cpu: 'x64', libc: 'glibc', library: 'libr1ops.so', tested: 'tested on such machines' },
  { os: 'linux', cpu: 'arm64', libc: 'glibc', library: 'libr1ops.so', tested: 'tested under emulation' },
  { os: 'darwin', cpu: 'arm64', library: 'libr1ops.dylib', tested: 'untested' },
];

/** The name of a platform in native/build, and of what this process runs on. */
export function platformName({ os, cpu }: Pick<OpsPlatform, 'os' | 'cpu'>): string {
  return `${os}-${cpu}`;
}

/** The package that npm installs on that platform alone, as an optional dependency. */
export function opsPackage(platform: OpsPlatform): string {
  return `@r1-operator/ops-${platformName(platform)}`;
}
