import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Argument, Command } from 'commander';
import { lora, type LoraSettings } from '../trainer/contract/settings/training.ts';
import { Contestant } from './contestant.ts';
import { qwenShape } from './gpu.ts';
import { describeMachine } from './machine.ts';
import { type GrpoStepWorkload, hyper, randomIds } from './workload.ts';

/** A step of GRPO with a model of random weights. */
export interface GrpoMemoryWorkload extends Pick<
  GrpoStepWorkload,
  'promptIds' | 'group' | 'newTokens' | 'clip' | 'klCoefficient' | 'seed' | 'hyper'
> {
  /** `config.json` of the model. */
  readonly config: object;
  readonly lora?: LoraSettings;
  readonly workers: number;
}

interface Case {
  readonly title: string;
  readonly config: Readonly<Record<string, unknown>> & { readonly vocab_size: number };
  readonly lora?: LoraSettings;
  readonly prompts: number;
  readonly group: number;
  /** Tokens of a prompt. */
  readonly prompt: number;
  /** Of each completion; none ends before. */
  readonly newTokens: number;
  /** Completions are given, as sampling them would take minutes and less memory than training. */
  readonly given?: true;
  readonly askedGiB: number;
}

const halfBillion = {
  config: qwenShape,
  prompts: 4,
  group: 4,
  prompt: 256,
  newTokens: 256,
};

const cases: Readonly<Record<string, Case>> = {
  'smollm2-8k': {
    title: 'shape of SmolLM2-135M, all weights',
    config: {
      model_type: 'llama',
      vocab_size: 49_152,
      hidden_size: 576,
      intermediate_size: 1536,
      num_hidden_layers: 30,
      num_attention_heads: 9,
      num_key_value_heads: 3,
      max_position_embeddings: 8192,
      tie_word_embeddings: true,
    },
    prompts: 1,
    group: 2,
    prompt: 128,
    newTokens: 8064,
    given: true,
    askedGiB: 8,
  },
  '0.5b': { title: 'shape of Qwen2.5-0.5B, all weights', ...halfBillion, askedGiB: 14 },
  '0.5b-lora': {
    title: 'shape of Qwen2.5-0.5B, LoRA of rank 16 on all matrices',
    ...halfBillion,
    lora: lora.parse({}),
    askedGiB: 5,
  },
};

/** `npm run bench -- grpo-memory`: the most resident memory of a step of GRPO at sizes of real models. */
export function grpoMemoryCommand(): Command {
  const names = Object.keys(cases);
  return new Command('grpo-memory')
    .description(
      'Takes a step of GRPO with a reference and models of random weights, and measures the most resident memory.',
    )
    .addArgument(new Argument('[cases...]', 'which').choices(names).default(names, names.join(', ')))
    .option('--workers <n>', 'workers of one thread each', Number, 2)
    .action(measureCases);
}

async function measureCases(names: readonly string[], { workers }: { readonly workers: number }): Promise<void> {
  const { date, cpu, cores } = describeMachine(new Date());
  console.log(`${date.slice(0, 10)}, ${cpu}, ${cores} cores; ${workers} workers`);
  console.log('| Case | Model | Work | CPU s | MiB | asked |\n| --- | --- | --- | ---: | ---: | --- |');
  for (const name of names) {
    const each = cases[name] as Case;
    // oxlint-disable-next-line no-await-in-loop -- two at once may not fit
    const { cpuSeconds, peakBytes } = await measureCase(each, workers);
    const { title, prompts, group, prompt, newTokens, given, askedGiB } = each;
    const work = `${prompts} × ${group} completions, ${prompt} + ${newTokens} tokens, ${given ? 'given' : 'sampled'}`;
    const met = peakBytes <= askedGiB * 2 ** 30 ? 'met' : 'missed';
    const mebibytes = Math.round(peakBytes / 2 ** 20);
    console.log(
      `| \`${name}\` | ${title} | ${work} | ${cpuSeconds?.toFixed(0) ?? ''} | ${mebibytes} | ≤ ${askedGiB} GiB: ${met} |`,
    );
    if (met === 'missed') process.exitCode = 1;
  }
}

async function measureCase(
  each: Case,
  workers: number,
): Promise<{ readonly cpuSeconds?: number; readonly peakBytes: number }> {
  const { config, prompts, group, prompt, newTokens, given } = each;
  const drawn = { seed: 1, vocabulary: config.vocab_size, stopId: 1 };
  const workload: GrpoMemoryWorkload = {
    config,
    ...(each.lora && { lora: each.lora }),
    workers,
    promptIds: randomIds(drawn, 'prompts', prompts, prompt),
    group,
    newTokens,
    clip: 0.2,
    klCoefficient: 0.001,
    seed: drawn.seed,
    hyper,
  };
  const directory = await mkdtemp(join(tmpdir(), 'r1-bench-grpo-memory-'));
  try {
    const file = join(directory, 'workload.json');
    await writeFile(file, JSON.stringify(workload));
    const program = join(import.meta.dirname, 'ours', 'grpo-memory.ts');
    const { contestant } = await Contestant.start(process.execPath, [program, file], workers);
    try {
      if (!given) return { cpuSeconds: (await contestant.round(1)).cpuSeconds, peakBytes: contestant.peakBytes };
      const completionIds = randomIds(drawn, 'completions', prompts * group, newTokens);
      await contestant.check({ rollouts: [{ completionIds, rewards: completionIds.map((_, at) => at % group) }] });
      return { peakBytes: contestant.peakBytes };
    } finally {
      await contestant.stop();
    }
  } finally {
    await rm(directory, { recursive: true });
  }
}
