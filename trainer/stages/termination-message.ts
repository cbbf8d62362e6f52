import type { StageResult } from '../contract/files/progress.ts';
import type { Metrics } from './workspace/metrics.ts';
import { watchedMetrics } from './workspace/progress.ts';

/** What Kubernetes keeps of the termination log of a container. */
const limitBytes = 4096;

/** What a long message may take where metrics are left out for it. */
const messageBytes = 1500;

/** What the message of a warning may take there. */
const warningBytes = 200;

/**
 * A result as JSON of at most 4096 bytes: whole if it fits, else with a shorter message and as many metrics as there is
 * room for, those that people watch and those of the evaluation first.
 */
export function terminationMessage(result: StageResult): string {
  const whole = JSON.stringify(result);
  if (byteLength(whole) <= limitBytes) return whole;

  const message = shortened(result.message, messageBytes);
  const warnings = result.warnings?.map((each) => ({ ...each, message: shortened(each.message, warningBytes) }));
  const short = { ...result, message, ...(warnings && { warnings }) };
  let text = JSON.stringify({ ...short, metrics: {} });
  const metrics: Metrics = {};
  for (const [name, value] of Object.entries(result.metrics).toSorted(([a], [b]) => rank(a) - rank(b))) {
    const longer = JSON.stringify({ ...short, metrics: { ...metrics, [name]: value } });
    if (byteLength(longer) > limitBytes) break;
    metrics[name] = value;
    text = longer;
  }
  return text;
}

function rank(metric: string): number {
  if ((watchedMetrics as readonly string[]).includes(metric)) return 0;
  return metric.startsWith('eval/') ? 1 : 2;
}

/** The beginning of a text whose JSON takes at most this many bytes; never half a character. */
function shortened(text: string, bytes: number): string {
  const characters = Array.from(text);
  const fits = (count: number): boolean => byteLength(JSON.stringify(characters.slice(0, count).join(''))) <= bytes - 3;
  if (fits(characters.length)) return text;
  let [short, long] = [0, characters.length];
  while (long - short > 1) {
    const middle = (short + long) >> 1;
    if (fits(middle)) short = middle;
    else long = middle;
  }
  return `${characters.slice(0, short).join('')}…`;
}

function byteLength(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}
