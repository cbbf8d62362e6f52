/**
 * The way in which digests of settings are made. A change of it that gives equal settings another digest, such as another
 * default, is a new version.
 */
const version = '1';

/** A digest of settings, from the SHA-256 of what it is about. */
export function versioned(sha256: string): string {
  return `${version}:${sha256}`;
}

/** Two digests say that the settings are not the same. Where they were made in different ways they say nothing. */
export function tellsApart(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && b !== undefined && a !== b && versionOf(a) === versionOf(b);
}

function versionOf(digest: string): string {
  return digest.includes(':') ? digest.slice(0, digest.indexOf(':')) : '';
}

/** The first characters of its hash, for the name of a file. */
export function shortDigest(digest: string): string {
  return digest.slice(digest.indexOf(':') + 1).slice(0, 12);
}
