import { z } from 'zod';

/** A cross-field rule in CEL, stated once: evaluated by an API server, and by a CEL library when running locally. */
export interface Rule {
  /** CEL expression over `self`; true means valid. */
  readonly rule: string;
  readonly message: string;
  /**
   * CEL expression for a better message about each offender, `<path from the root>: found …, expected …`, in a list of
   * lists; empty when all is well.
   */
  readonly problems?: string;
}

/** Attaches CEL rules to a schema; they travel in its JSON Schema as `x-kubernetes-validations`. */
export function withRules<T extends z.ZodType>(schema: T, rules: readonly Rule[]): T {
  return schema.meta({ ...schema.meta(), 'x-kubernetes-validations': rules });
}

/** An object that refuses unknown fields; every property needs `.describe()` for the manifest reference. */
export const object = z.strictObject;

const label = z
  .string()
  .min(1)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);

/** A DNS label: the name of a dataset or a stage; also the value of a label. */
export const name = label.max(63);

/** The name of a pipeline: the value of a label, and part of paths and names. */
export const pipelineName = label.max(63);

/** The name of a Kubernetes object. */
export const objectName = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/);

export const names = z.array(name).min(1).max(16);

/** A path of the file system. */
export const path = z.string().min(1).max(1024);

export const positiveInt = z.int().min(1).max(1_000_000_000);
export const count = z.int().min(0).max(1_000_000_000);
export const fraction = z.number().min(0).max(1);

/** The rule that exactly one of some properties is set. */
export function exactlyOneRule(keys: readonly string[], what: string): Rule {
  return {
    rule: `${keys.map((key) => `(has(self.${key}) ? 1 : 0)`).join(' + ')} == 1`,
    message: `exactly one ${what} of ${keys.join(', ')} must be set`,
  };
}

/** An object of which exactly one property must be set, such as the kind of a reward. */
export function exactlyOne<S extends z.core.$ZodLooseShape>(shape: S, what: string) {
  return withRules(object(shape), [exactlyOneRule(Object.keys(shape), what)]);
}
