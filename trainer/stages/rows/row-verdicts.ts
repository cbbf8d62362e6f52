import type { Row } from '../../contract/settings/dataset.ts';
import { UserError } from '../../contract/process/errors.ts';
import type { ToolName } from '../../contract/settings/tool-use.ts';
import type { Verdict } from '../../data/check-rows.ts';
import { encodeDocuments, type Trained, trainedTokens } from './documents.ts';
import { type Encoder, encodePrompt, type Prompt } from '../policy/encoding.ts';
import { encodeLabelled } from './labelled.ts';
import { encodePair, haveSameTokens } from './pairs.ts';
import type { Reading } from '../policy/reading.ts';
import { withTools } from '../policy/replies.ts';

type Overlong = 'cut' | 'drop' | 'refuse';

interface PromptLimits {
  readonly maxPromptTokens: number;
  readonly overlong: 'drop' | 'refuse';
  /** They stand in the prompt, too. */
  readonly tools?: readonly ToolName[] | undefined;
}

interface RowLimits<T extends Overlong> {
  readonly maxLength: number;
  readonly overlong: T;
}

interface ScoredLimits extends RowLimits<'drop' | 'refuse'> {
  /** How the reward model reads responses. */
  readonly reading: Reading;
}

const used: Verdict = { kind: 'used' };

/** Whether a prompt can be answered: it is short enough, and the context has room for a token behind it. */
export function judgePrompt(model: Encoder, prompt: Prompt, limits: PromptLimits): Verdict {
  return judged(() => {
    if (prompt.messages.length === 0) throw new UserError('it has no prompt; expected one to answer');
    const tokens = encodePrompt(model, withTools(prompt, limits.tools, model.tokenizer)).ids.length;
    const { maxPromptTokens } = limits;
    if (tokens > maxPromptTokens) {
      const found = `its prompt has ${tokens} tokens; maxPromptTokens is ${maxPromptTokens}`;
      return tooLong(limits.overlong, 'overlong', found);
    }
    const context = model.config.maxLength;
    if (tokens < context) return used;
    return tooLong(limits.overlong, 'no_room', `its prompt has ${tokens} tokens; the model's context holds ${context}`);
  });
}

/** Whether a row with its completion can be learned from. */
export function judgeDocument(
  model: Encoder,
  row: Row,
  { trained, ...limits }: RowLimits<Overlong> & { readonly trained: Trained },
): Verdict {
  return judged(() => {
    if (row.label === false) {
      throw new UserError('label: found false, a completion to be unlearned; expected good ones alone');
    }
    const limit = longestRow(model, limits);
    const whole = encodeDocuments(model, row, trained, Infinity);
    const tokens = Math.max(...whole.map(({ ids }) => ids.length));
    const overlong = tokens > limit.tokens;
    if (overlong && limits.overlong !== 'cut') return overLimit(tokens, limit, limits.overlong);
    const taken = overlong ? encodeDocuments(model, row, trained, limit.tokens) : whole;
    if (trainedTokens(taken) < 1) {
      return { kind: 'dropped', reason: 'nothing_to_learn', found: 'it has no token to learn' };
    }
    return { kind: overlong ? 'cut' : 'used' };
  });
}

/** Whether a pair can be learned from: a reward model sees no difference between equal tokens. */
export function judgePair(model: Encoder, row: Row, limits: ScoredLimits): Verdict {
  return judged(() => {
    const pair = encodePair(model, row, limits.reading);
    const limit = longestRow(model, limits);
    const tokens = Math.max(pair.chosen.length, pair.rejected.length);
    if (tokens > limit.tokens) return overLimit(tokens, limit, limits.overlong);
    if (!haveSameTokens(pair)) return used;
    return { kind: 'dropped', reason: 'equal_pair', found: 'chosen and rejected have the same tokens' };
  });
}

/** Whether a reward model can learn from a response with its label. */
export function judgeLabelled(model: Encoder, row: Row, limits: ScoredLimits): Verdict {
  return judged(() => {
    const { ids } = encodeLabelled(model, row, limits.reading);
    const limit = longestRow(model, limits);
    return ids.length > limit.tokens ? overLimit(ids.length, limit, limits.overlong) : used;
  });
}

interface Limit {
  readonly tokens: number;
  readonly name: string;
}

/** The longest row that a stage trains: the setting's, or the model's context where that is shorter. */
export function longestRow({ config }: Encoder, { maxLength }: { readonly maxLength: number }): Limit {
  return maxLength <= config.maxLength
    ? { tokens: maxLength, name: `maxLength is ${maxLength}` }
    : { tokens: config.maxLength, name: `the model's context holds ${config.maxLength}` };
}

function overLimit(tokens: number, limit: Limit, overlong: 'drop' | 'refuse'): Verdict {
  return tooLong(overlong, 'overlong', `it has ${tokens} tokens; ${limit.name}`);
}

function tooLong(overlong: 'drop' | 'refuse', reason: 'overlong' | 'no_room', found: string): Verdict {
  return overlong === 'refuse' ? { kind: 'fault', found } : { kind: 'dropped', reason, found };
}

/** A row that template or tokenizer refuse, or that lacks what the stage needs, must be mended by a person. */
function judged(judge: () => Verdict): Verdict {
  try {
    return judge();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { kind: 'fault', found: error.message };
  }
}
