const words: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'a file where its path has a directory',
  EISDIR: 'a directory',
  EACCES: 'a file that this user may not read',
  EPERM: 'a file that this user may not read',
  ELOOP: 'symbolic links that lead in a circle',
  ENAMETOOLONG: 'a longer name than the system takes',
};

/** What stands where a file was to be read, for a sentence with `found`; of an error that has no words here its message. */
export function foundInstead(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return words[code] ?? message;
}
