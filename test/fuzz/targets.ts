import type { FuzzTarget } from './target.ts';
import { chatTemplate } from './targets/chat-template.ts';
import { manifest } from './targets/manifest.ts';
import { modelConfig, shardIndex } from './targets/model-directory.ts';
import { parquet } from './targets/parquet.ts';
import { rolloutAnswer, rolloutServer } from './targets/rollout.ts';
import { jsonl } from './targets/rows.ts';
import { safetensors } from './targets/safetensors.ts';
import { tokenizerFiles } from './targets/tokenizer.ts';
import { progressLines, terminationMessage } from './targets/trainer-words.ts';

/** Everything that reads what a stranger wrote. */
export const targets: readonly FuzzTarget[] = [
  safetensors,
  modelConfig,
  shardIndex,
  ...tokenizerFiles,
  chatTemplate,
  jsonl,
  parquet,
  manifest,
  progressLines,
  terminationMessage,
  rolloutServer,
  rolloutAnswer,
];
