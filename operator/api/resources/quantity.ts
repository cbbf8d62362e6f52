import { z } from 'zod';

/** A Kubernetes quantity such as `10Gi`, `500m` or `1`; numbers are allowed, as in a pod's resources. */
export const quantity = z
  .union([
    z.int(),
    z.string().regex(/^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?[0-9]+))?$/),
  ])
  .meta({ 'x-kubernetes-int-or-string': true });

const powers = new Map(['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'].map((suffix, at) => [suffix, 1024 ** (at + 1)]));
const thousands = new Map(
  ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'].map((suffix, at) => [suffix, 1000 ** (at - 3)]),
);

/** What a quantity stands for, in its unit: bytes, or cores. */
export function amountOf(value: string | number): number {
  const [, digits, suffix = ''] = /^([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([A-Za-z]*)$/.exec(String(value)) ?? [];
  return Number(digits) * (powers.get(suffix) ?? thousands.get(suffix) ?? Number.NaN);
}

/** A map from resource or label names to values. */
export function map<T extends z.ZodType>(value: T) {
  return z.record(z.string(), value);
}
