import type { CheckpointManifest } from '../contract/files/checkpoint.ts';
import type { StageWarning } from '../contract/files/progress.ts';
import type { CheckedParts, Funnel, Review } from './data-files.ts';
import type { SampleLine, Series } from './jsonl.ts';

/** What a pipeline has left behind, running or ended: everything that the report shows. */
export interface PipelineRecord {
  readonly name: string;
  readonly state: string;
  readonly message: string;
  readonly seed: number | undefined;
  /** The model that stages without one start from, in words. */
  readonly base: string | undefined;
  readonly started: Date | undefined;
  readonly finished: Date | undefined;
  readonly stages: readonly StageRecord[];
}

export interface StageRecord {
  readonly name: string;
  /** A key of the stage settings: pretrain, grpo … */
  readonly type: string;
  readonly settings: Readonly<Record<string, unknown>>;
  /** How it is evaluated, once it was created. */
  readonly evaluation: Readonly<Record<string, unknown>> | undefined;
  readonly state: string;
  readonly message: string;
  readonly attempts: number;
  /** Seconds that its attempts ran, waiting not counted. */
  readonly seconds: number | undefined;
  /** What it computed on, in words. */
  readonly device: string | undefined;
  /** Stage that the model comes from, `base`, or `fresh weights`; undefined for a review. */
  readonly model: string | undefined;
  /** Earlier stages whose rows or reward models it uses. */
  readonly inputs: readonly string[];
  readonly checkpoint: CheckpointRecord | undefined;
  /** Last metrics, `eval/…` among them. */
  readonly metrics: Readonly<Record<string, number>>;
  /** What its newest attempt warns of. */
  readonly warnings: readonly StageWarning[];
  readonly gate: GateRecord | undefined;
  readonly series: Series;
  readonly samples: { readonly first: readonly SampleLine[]; readonly last: readonly SampleLine[] };
  /** What was found in its rows before the first step, by part of the data. */
  readonly checked: CheckedParts;
  /** Where the completions of a sample stage went. */
  readonly funnel: Funnel | undefined;
  /** What people did in a review stage. */
  readonly review: Review | undefined;
}

export interface CheckpointRecord {
  readonly step: number;
  readonly digest: string;
  /** Undefined when the directory is gone or damaged. */
  readonly manifest: CheckpointManifest | undefined;
  /** Whether the digest is that of the manifest on disk. */
  readonly matches: boolean;
}

export interface GateRecord {
  /** Such as `eval/pass@1 ≥ 0.5`. */
  readonly rule: string;
  /** Passed, Stopped …; undefined as long as nothing was decided. */
  readonly action: string | undefined;
  readonly message: string;
}

/** Whether a review let rows pass that no person has looked at, or is set to. */
export function isNotReviewed({ type, settings, review }: StageRecord): boolean {
  return type === 'review' && (review ? review.not_reviewed > 0 : settings['required'] === false);
}

/** Why this stage's figures can show no learning, if it is a negative control. */
export function negativeControls({ settings }: StageRecord): string[] {
  const rewards = Array.isArray(settings['rewards']) ? (settings['rewards'] as unknown[]) : [];
  return [
    ...(rewards.some(isRandom) ? ['a random reward'] : []),
    ...(settings['learningRate'] === 0 ? ['learning rate 0'] : []),
  ];
}

function isRandom(reward: unknown): boolean {
  return typeof reward === 'object' && reward !== null && 'random' in reward;
}
