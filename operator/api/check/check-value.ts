import type { CelInput } from '@bufbuild/cel';
import type { Rule } from '../../../trainer/contract/settings/schema.ts';
import { evaluateCel, toCel } from './cel.ts';
import { expectation, range } from './expectation.ts';
import { fieldsRead } from './rule-fields.ts';
import type { StructuralSchema } from './structural-schema.ts';
import { unknownField } from './unknown-field.ts';
import { describe, formatPath, problemAt, type Path, type ValueProblem } from './value-problem.ts';

interface Checked {
  /** With defaults, without what is wrong. */
  readonly value: unknown;
  /** Something below has a problem of structure, so that a rule may fail for no reason of its own. */
  readonly damaged: boolean;
}

/** One check of a whole value. */
interface Pass {
  readonly root: StructuralSchema;
  /** What was found so far. */
  readonly problems: ValueProblem[];
}

/**
 * Does what an API server does with a custom resource: fills in defaults, checks the structural schema and evaluates
 * the CEL rules. Finds every problem at once; rules see the value repaired as well as it can be.
 *
 * @returns the value with its defaults; it is valid if `problems` is empty
 */
export function checkValue(schema: StructuralSchema, value: unknown): { value: unknown; problems: ValueProblem[] } {
  const problems: ValueProblem[] = [];
  const checked = check(schema, value, [], { root: schema, problems });
  return { value: checked.value, problems };
}

function check(schema: StructuralSchema, value: unknown, path: Path, into: Pass): Checked {
  const wrong = (expected: string): Checked => {
    into.problems.push(problemAt(path, describe(value), expected));
    return { value: placeholder(schema), damaged: true };
  };

  if (schema['x-kubernetes-int-or-string']) {
    if (typeof value === 'number' && Number.isInteger(value)) return { value, damaged: false };
    if (typeof value !== 'string') return wrong('an integer or a quantity such as 10Gi or 500m');
    if (schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(value)) {
      return wrong('a quantity such as 10Gi or 500m');
    }
    return { value, damaged: false };
  }
  switch (schema.type) {
    case 'object':
      return isObject(value) ? checkObject(schema, value, path, into) : wrong(expectation(schema));
    case 'array':
      return Array.isArray(value) ? checkList(schema, value, path, into) : wrong(expectation(schema));
    case 'string':
    case 'integer':
    case 'number':
    case 'boolean':
      return scalarFits(schema, value) ? { value, damaged: false } : wrong(expectation(schema));
    default:
      return { value, damaged: false };
  }
}

function checkObject(schema: StructuralSchema, value: Record<string, unknown>, path: Path, into: Pass): Checked {
  const result: Record<string, unknown> = {};
  const given = new Map(Object.entries(value));
  let damagedHere = false;
  let damagedBelow = false;

  for (const key of given.keys()) {
    if (Object.hasOwn(schema.properties ?? {}, key) || schema.additionalProperties !== undefined) continue;
    if (schema['x-kubernetes-preserve-unknown-fields']) {
      result[key] = given.get(key);
      continue;
    }
    const { problem, meant } = unknownField(into.root, path, key, given);
    into.problems.push(problem);
    // Rules should not complain again about what only the typing mistake hides.
    if (meant !== undefined && !given.has(meant)) {
      const quiet = { ...into, problems: [] };
      result[meant] = check(schema.properties?.[meant] ?? {}, given.get(key), [...path, meant], quiet).value;
      damagedBelow = true;
    } else {
      damagedHere = true;
    }
  }

  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    // An API server drops nulls, as no field here is nullable.
    const present = given.get(key) ?? undefined;
    if (present === undefined && property.default === undefined) {
      if (schema.required?.includes(key) === true && result[key] === undefined) {
        into.problems.push(problemAt([...path, key], 'nothing', expectation(property)));
        damagedHere = true;
      }
      continue;
    }
    const child = check(property, present ?? structuredClone(property.default), [...path, key], into);
    result[key] = child.value;
    damagedBelow ||= child.damaged;
    damagedHere ||= child.damaged && !isObject(present) && !Array.isArray(present);
  }

  if (schema.additionalProperties !== undefined) {
    if (given.size > (schema.maxProperties ?? Infinity)) {
      into.problems.push(problemAt(path, `${given.size} entries`, `at most ${schema.maxProperties} entries`));
    }
    for (const [key, item] of given) {
      if (schema.properties?.[key] !== undefined) continue;
      const child = check(schema.additionalProperties, item, [...path, key], into);
      result[key] = child.value;
      damagedBelow ||= child.damaged;
    }
  }

  const damaged = damagedHere || damagedBelow;
  // A rule with one message is about the fields of this object, which need repair first.
  const rules = (schema['x-kubernetes-validations'] ?? []).filter(
    (rule) => !damagedHere || rule.problems !== undefined,
  );
  if (rules.length > 0) checkRules(rules, toCel(result, schema), result, damaged, path, into);
  return { value: result, damaged };
}

function checkList(schema: StructuralSchema, value: unknown[], path: Path, into: Pass): Checked {
  const { items = {}, minItems = 0, maxItems = Infinity } = schema;
  let damaged = false;
  if (value.length < minItems || value.length > maxItems) {
    into.problems.push(problemAt(path, `${value.length} items`, `${range(minItems, maxItems)} items`));
    damaged = true;
  }
  const result = value.map((item, index) => {
    const child = check(items, item, [...path, index], into);
    damaged ||= child.damaged;
    return child.value;
  });

  for (const key of schema['x-kubernetes-list-map-keys'] ?? []) {
    const seen = new Set<unknown>();
    result.forEach((item, index) => {
      const own = isObject(item) ? item[key] : undefined;
      if (own !== undefined && own !== '' && seen.has(own)) {
        into.problems.push(problemAt([...path, index, key], `a second ${describe(own)}`, `each ${key} once`));
        damaged = true;
      }
      seen.add(own);
    });
  }
  return { value: result, damaged };
}

function checkRules(
  rules: readonly Rule[],
  self: CelInput,
  checked: unknown,
  damaged: boolean,
  path: Path,
  { problems }: Pass,
): void {
  for (const rule of rules) {
    try {
      if (evaluateCel(rule.rule, self) === true) continue;
      // An empty name stands for one that was wrong and has been reported.
      problems.push(...ruleProblems(rule, self, checked, path).filter(({ found }) => found !== '""'));
    } catch (cause) {
      if (damaged) continue; // a part that the rule needs was wrong and has been reported
      throw new Error(`${formatPath(path)}: cannot evaluate the rule ${rule.rule}`, { cause });
    }
  }
}

/** A rule's own messages, taken apart where they have the form `<path from the root>: found <what>, expected <what>`. */
function ruleProblems(
  { rule, message: plain, problems }: Rule,
  self: CelInput,
  checked: unknown,
  path: Path,
): ValueProblem[] {
  const messages = problems === undefined ? [plain] : [evaluateCel(problems, self)].flat(Infinity).map(String);
  return messages.map((message) => {
    const parts = /^([\w.[\]]+): found (.*), expected (.*)$/.exec(message);
    if (parts === null) {
      const found = fieldsRead(rule, checked);
      return { path, found, expected: message, message: `${message} (found ${found})` };
    }
    const [, whole = '', found = '', expected = ''] = parts;
    return problemAt(parsePath(whole), found, expected);
  });
}

function parsePath(text: string): Path {
  return [...text.matchAll(/([^.[\]]+)|\[(\d+)\]/g)].map(([, key, index]) => key ?? Number(index));
}

function scalarFits(schema: StructuralSchema, value: unknown): boolean {
  if (schema.enum !== undefined) return schema.enum.includes(value);
  switch (schema.type) {
    case 'string':
      return (
        typeof value === 'string' &&
        codePoints(value) >= (schema.minLength ?? 0) &&
        codePoints(value) <= (schema.maxLength ?? Infinity) &&
        (schema.pattern === undefined || new RegExp(schema.pattern, 'u').test(value)) &&
        (schema.format !== 'date-time' || !Number.isNaN(Date.parse(value)))
      );
    case 'boolean':
      return typeof value === 'boolean';
    case 'integer':
    case 'number':
      return (
        typeof value === 'number' &&
        Number.isFinite(value) &&
        (schema.type === 'number' || Number.isSafeInteger(value)) &&
        value >= (schema.minimum ?? -Infinity) &&
        value <= (schema.maximum ?? Infinity)
      );
    default:
      return true;
  }
}

/** JSON Schema counts the length of a string in code points. */
function codePoints(text: string): number {
  return Array.from(text).length;
}

/** Something of the right type for rules further up, which only ask whether a field is there. */
function placeholder(schema: StructuralSchema): unknown {
  if (schema.default !== undefined) return structuredClone(schema.default);
  switch (schema.type) {
    case 'object':
      return {};
    case 'array':
      return [];
    case 'string':
      return '';
    case 'boolean':
      return false;
    default:
      return 0;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
