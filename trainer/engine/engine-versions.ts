import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Precision } from '../contract/settings/training.ts';
import { laneDevices } from '../runtime/choose-device.ts';
import { codeDigest } from './code-digest.ts';
import { gpuVersions } from '../runtime/open-device.ts';
import { chooseRuntime } from '../runtime/open-runtime.ts';
import type { RuntimeName } from '../runtime/runtime.ts';

/** Instruction sets by which ONNX Runtime chooses its kernels; another choice gives other bits. */
const kernelInstructionSets = [
  'avx',
  'avx2',
  'fma',
  'avx512f',
  'avx512bw',
  'avx512_vnni',
  'avx512_bf16',
  'amx_tile',
  'asimddp',
];

/** What the bits of a run depend on besides its settings; recorded in every checkpoint. */
export function engineVersions(): Record<string, string> {
  const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string };
  const { name, ops } = chooseRuntime();
  return {
    ...softwareVersions(),
    'onnxruntime-node': version,
    runtime: name,
    ...(ops !== undefined && { ops }),
    ...deviceVersions(),
    arch: process.arch,
    instructions: instructionSets().join(' '),
  };
}

/** The same of what computes instead of worker threads. */
function deviceVersions(): Record<string, string> {
  const [device] = laneDevices();
  if (device?.kind !== 'cuda') return device ? { device: device.kind } : {};
  const { name, capability } = device.of;
  return { device: device.kind, gpu: name, capability: capability.join('.'), ...gpuVersions() };
}

/** For people, such as `2 × NVIDIA H100 80GB HBM3, bf16, CUDA 13.0, cuDNN 9.14.0, driver 580.95.05`. */
export function deviceInWords(precision: Precision): string {
  const [devices, { gpu, cuda, cudnn, driver }] = [laneDevices(), deviceVersions()];
  const [device] = devices;
  return [
    gpu === undefined ? (device?.kind ?? 'cpu') : `${devices.length} × ${gpu}`,
    precision,
    ...(cuda === undefined ? [] : [`CUDA ${cuda}`]),
    ...(cudnn === undefined ? [] : [`cuDNN ${cudnn}`]),
    ...(driver === undefined ? [] : [`driver ${driver}`]),
  ].join(', ');
}

/** What the bits of a stage depend on that computes nothing with a model. */
export function softwareVersions(): Record<string, string> {
  return { trainer: codeDigest(), node: process.versions.node };
}

/** How programs run here. */
export function runtimeName(): RuntimeName {
  return chooseRuntime().name;
}

/**
 * Says on stderr where programs run in another way than usual.
 *
 * @throws UserError where the environment asks for a runtime that there is not
 */
export function sayRuntime(): void {
  const { name, because } = chooseRuntime();
  if (because === undefined) return;
  console.error(
    name === 'ffi'
      ? `running without the kernels, which are faster: ${because}; npm run build:native compiles them`
      : `running through onnxruntime-node's own binding, which copies every output: ${because}`,
  );
}

function instructionSets(): string[] {
  let flags: Set<string>;
  try {
    const line = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '';
    flags = new Set(line.split(' '));
  } catch {
    return []; // not Linux
  }
  return kernelInstructionSets.filter((name) => flags.has(name));
}
