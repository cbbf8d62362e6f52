import { UserError } from '../contract/process/errors.ts';
import { shown } from '../contract/process/shown.ts';

/**
 * Refuses what is no reward model as transformers has them: a sequence classifier of one label, whose head is `score.weight`.
 *
 * @param json a Hugging Face `config.json`
 * @param source named in messages
 * @throws UserError
 */
export function requireOneLabel(json: unknown, source: string): void {
  const { architectures, num_labels: named, id2label } = json as Record<string, unknown>;
  const [architecture] = Array.isArray(architectures) ? (architectures as unknown[]) : [];
  const isClassifier = typeof architecture === 'string' && architecture.endsWith('ForSequenceClassification');
  if (architecture !== undefined && !isClassifier) {
    throw new UserError(
      `${source}: architectures: found ${shown(architecture)}, expected a class that ends with ForSequenceClassification: a reward model whose head is score.weight`,
    );
  }
  const labels = named ?? (typeof id2label === 'object' && id2label !== null ? Object.keys(id2label).length : 2);
  if (labels === 1) return;
  throw new UserError(`${source}: num_labels: found ${shown(labels)}, expected 1: a reward model has one score`);
}
