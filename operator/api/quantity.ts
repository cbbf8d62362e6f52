import { z } from 'zod';

/** A Kubernetes quantity such as `10Gi`, `500m` or `1`; numbers are allowed, as in a pod's resources. */
export const quantity = z
  .union([
    z.int(),
    z.string().regex(/^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?[0-9]+))?$/),
  ])
  .meta({ 'x-kubernetes-int-or-string': true });

/** A map from resource or label names to values. */
export function map<T extends z.ZodType>(value: T) {
  return z.record(z.string(), value);
}
