import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Command, Option } from 'commander';
import { UserError } from '../trainer/contract/process/errors.ts';
import { settleDevice } from '../trainer/runtime/choose-device.ts';
import { findCudaLibraries } from '../trainer/runtime/ffi/cuda-libraries.ts';
import { describeMachine } from './machine.ts';

/** The same for every side. Weights are random, so that nothing has to be downloaded. */
export interface GpuWorkload {
  /** `config.json` of the model. */
  readonly config: object;
  /** A training step: sequences, and tokens of each. */
  readonly rows: number;
  readonly length: number;
  /** Generation: prompts, their tokens, and tokens that each is continued by. */
  readonly prompts: number;
  readonly promptLength: number;
  readonly newTokens: number;
  readonly rounds: number;
}

const shape = {
  model_type: 'qwen2',
  architectures: ['Qwen2ForCausalLM'],
  hidden_act: 'silu',
  rms_norm_eps: 1e-6,
  rope_theta: 1_000_000,
  tie_word_embeddings: true,
  bos_token_id: 0,
  eos_token_id: 1,
};

/** `config.json` of Qwen2.5-0.5B. */
export const qwenShape = {
  ...shape,
  vocab_size: 151_936,
  hidden_size: 896,
  intermediate_size: 4864,
  num_hidden_layers: 24,
  num_attention_heads: 14,
  num_key_value_heads: 2,
  max_position_embeddings: 32_768,
};

const workloads = {
  '0.5b': {
    config: qwenShape,
    rows: 8,
    length: 1024,
    prompts: 64,
    promptLength: 128,
    newTokens: 256,
    rounds: 3,
  },
  // To try the benchmark itself, with R1_DEVICE=host.
  tiny: {
    config: {
      ...shape,
      vocab_size: 512,
      hidden_size: 64,
      intermediate_size: 128,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      max_position_embeddings: 512,
    },
    rows: 4,
    length: 64,
    prompts: 4,
    promptLength: 8,
    newTokens: 16,
    rounds: 1,
  },
} satisfies Record<string, GpuWorkload>;

/** Together at most six minutes. */
const limitSeconds = { ours: 120, ourKernels: 60, peer: 90 };

/** `npm run bench -- gpu`: a step of 8k tokens and a generation of 64 × 256 on a GPU, beside PyTorch and vLLM where they are installed. */
export function gpuCommand(): Command {
  return new Command('gpu')
    .description('Measures a GPU with a model of 0.5 billion random weights in bf16; prints JSON.')
    .addOption(new Option('--shape <shape>', 'of the model').choices(Object.keys(workloads)).default('0.5b'))
    .option('--python <path>', 'interpreter that has torch and transformers, or vllm', 'python3')
    .option('--out <file>', 'also write the JSON here')
    .action(measureGpu);
}

async function measureGpu(options: { shape: keyof typeof workloads; python: string; out?: string }): Promise<void> {
  try {
    settleDevice('cuda');
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.log(`skipped: ${error.message}`);
    return;
  }
  const directory = await mkdtemp(join(tmpdir(), 'r1-bench-gpu-'));
  try {
    const workload = join(directory, 'workload.json');
    await writeFile(workload, JSON.stringify(workloads[options.shape]));
    const peer = join(import.meta.dirname, 'peers/gpu.py');
    const ours = [process.execPath, join(import.meta.dirname, 'ours/gpu.ts'), workload];
    const sides = [
      await measured('r1', ours, limitSeconds.ours),
      await withOurAttention([...ours, 'step'], directory),
      await measured('torch', [options.python, peer, workload, 'torch'], limitSeconds.peer),
      await measured('vllm', [options.python, peer, workload, 'vllm'], limitSeconds.peer),
    ];
    const json = JSON.stringify(
      { machine: describeMachine(new Date()), workload: workloads[options.shape], sides },
      undefined,
      2,
    );
    console.log(json);
    if (options.out !== undefined) await writeFile(options.out, `${json}\n`);
    if ('failed' in (sides[0] as object)) process.exitCode = 1;
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** The step once more with attention by our kernels, where cuDNN's is there: whichever is slower should not be taken. */
async function withOurAttention(command: readonly string[], directory: string): Promise<unknown> {
  const name = 'r1, attention by our kernels';
  let library: string | undefined;
  try {
    library = findCudaLibraries().attention.at(-1);
  } catch (error) {
    return { name, skipped: (error as Error).message };
  }
  if (library === undefined) return { name, skipped: 'found no library of attention: that is what r1 has' };
  const others = join(directory, 'libraries');
  await mkdir(others);
  const files = (await readdir(dirname(library))).filter((file) => file !== basename(library));
  await Promise.all(files.map(async (file) => symlink(join(dirname(library), file), join(others, file))));
  return measured(name, command, limitSeconds.ourKernels, { R1_CUDA_LIBRARIES: others });
}

/** What a side prints last, or why it did not. */
async function measured(
  name: string,
  [program = '', ...args]: readonly string[],
  seconds: number,
  more: Record<string, string> = {},
): Promise<unknown> {
  if (program.includes('/') && !existsSync(program)) return { name, skipped: `found no ${program}` };
  const env = { ...process.env, R1_DEVICE: process.env['R1_DEVICE'] ?? 'cuda', ...more };
  const child = spawn(program, args, {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: seconds * 1000,
    killSignal: 'SIGKILL',
  });
  const code = new Promise<number | Error | null>((resolve) => {
    child.once('error', resolve);
    child.once('close', resolve);
  });
  const said = [child.stdout, child.stderr].map(async (stream) => text(stream).catch(() => '')); // cut short where there is no such program
  const [stdout = '', stderr = ''] = await Promise.all(said);
  const ended = await code;
  if (ended === 0) return { ...(JSON.parse(stdout.trim().split('\n').at(-1) ?? 'null') as object), name };
  if (ended instanceof Error) return { name, skipped: ended.message };
  return { name, failed: child.killed ? `found no end after ${seconds} s` : stderr.trim().split('\n').slice(-5) };
}
