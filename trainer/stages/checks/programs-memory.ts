import type { StageFile } from '../../contract/settings/stage-file.ts';
import type { StageSettings } from '../../contract/settings/settings.ts';
import type { EvaluationSettings } from '../../contract/settings/training.ts';
import { certain, likely, type MemoryPart } from '../../engine/memory-estimate.ts';
import { mostHosts } from '../../rewards/code/most-hosts.ts';

/** Of a process that runs answers in Python, as measured once it has started; a large answer takes 140 MiB more for a while. */
const pythonBytes = 230 * 2 ** 20;

interface Run {
  readonly settings: StageSettings;
  readonly evaluation?: EvaluationSettings | undefined;
  /** Of the data that it is given, as far as it is known. */
  readonly datasets?: StageFile['datasets'] | undefined;
}

/**
 * What the processes take in which programs in Python run, as many as run at a time: in any case where models are given Python as a tool, and depending on
 * the language of the rows where programs are judged.
 */
export function programsMemory({ settings, evaluation, datasets = [] }: Run): MemoryPart[] {
  const { grpo, sample, evaluate } = settings;
  const bytes = mostHosts * pythonBytes;
  const what = `${mostHosts} processes for programs in Python`;
  if ([grpo, sample, evaluate, evaluation].some((each) => each?.tools?.includes('python')))
    return [certain(what, bytes)];
  const judged = new Set(
    [grpo?.prompts, sample?.prompts, evaluate?.data, evaluation?.data].flatMap((names) => names ?? []),
  );
  const isProgram = datasets.some(({ name, answer }) => judged.has(name) && answer?.kind === 'code');
  return isProgram ? [likely(what, bytes)] : [];
}
