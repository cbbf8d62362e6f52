import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * The directory of a model that `huggingface_hub` has downloaded to this machine, in the layout of its cache:
 * `models--<owner>--<name>/{refs/<revision>, snapshots/<commit>/}`.
 */
export function findInHubCache({ repo, revision }: { repo: string; revision: string }): string | undefined {
  const model = join(hubCache(), `models--${repo.replaceAll('/', '--')}`);
  const reference = join(model, 'refs', revision);
  const commit = existsSync(reference) ? readFileSync(reference, 'utf8').trim() : revision;
  const snapshot = join(model, 'snapshots', commit);
  return existsSync(join(snapshot, 'config.json')) ? snapshot : undefined;
}

function hubCache(): string {
  const { HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME } = process.env;
  return HF_HUB_CACHE ?? join(HF_HOME ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'huggingface'), 'hub');
}
