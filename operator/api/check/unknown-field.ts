import { otherNames } from './other-names.ts';
import type { StructuralSchema } from './structural-schema.ts';
import { didYouMean } from './suggestion.ts';
import { formatPath, type Path, type ValueProblem } from './value-problem.ts';

export interface UnknownField {
  readonly problem: ValueProblem;
  /** The field of the same object that was meant. */
  readonly meant?: string;
}

/**
 * What a person is told of a field that there is not: what it is called here if another tool has it, the known field that
 * was probably mistyped, or else all that are known.
 *
 * @param root the schema of the whole value
 * @param place the object with the field
 * @param given what stands in that object
 */
export function unknownField(
  root: StructuralSchema,
  place: Path,
  key: string,
  given: ReadonlyMap<string, unknown>,
): UnknownField {
  const told = (hint: string, expected: string): ValueProblem => ({
    path: [...place, key],
    found: `unknown field "${key}"`,
    expected,
    message: `unknown field "${key}"; ${hint}`,
    unknown: true as const,
  });

  const here = findCounterpart(root, place, key, given);
  if (here !== undefined) {
    const { below, name, meaning } = here;
    return {
      problem: told(`here it is ${name}${meaning === '' ? '' : `: ${meaning}`}`, `"${name}"`),
      ...(below?.length === 1 && { meant: String(below[0]) }),
    };
  }
  const known = Object.keys(schemaAt(root, place)?.properties ?? {});
  const meant = didYouMean(key, known);
  return meant === undefined
    ? { problem: told(`known: ${known.join(', ')}`, `one of ${known.join(', ')}`) }
    : { problem: told(`did you mean "${meant}"?`, `"${meant}"`), meant };
}

interface Counterpart {
  /** Its path from the object with the unknown field; absent when it stands elsewhere. */
  readonly below?: Path;
  /** Its path as a message shows it: whole when it stands elsewhere. */
  readonly name: string;
  readonly meaning: string;
}

/** Looked for at the place, in the objects that are given there, and in the objects around it. */
function findCounterpart(
  root: StructuralSchema,
  place: Path,
  key: string,
  given: ReadonlyMap<string, unknown>,
): Counterpart | undefined {
  const candidates = namesOf(key);
  const around = place.map((_, index) => place.slice(0, place.length - 1 - index));
  const inside = [...given.keys()].filter((each) => each !== key).map((each) => [...place, each]);
  for (const start of [place, ...inside, ...around]) {
    for (const candidate of candidates) {
      const path = [...start, ...candidate.split('.')];
      const schema = schemaAt(root, path);
      if (schema === undefined) continue;
      const meaning = firstSentence(schema.description ?? '');
      const isBelow = place.every((part, index) => path[index] === part);
      if (!isBelow) return { name: formatPath(path), meaning };
      const below = path.slice(place.length);
      return { below, name: formatPath(below), meaning };
    }
  }
  return undefined;
}

/** Who reads camel case in this manifest writes the names of other tools so, too: `numGenerations`. */
function namesOf(key: string): readonly string[] {
  const snake = key.replaceAll(/(?<=[a-z\d])[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const known = [key, snake].find((name) => Object.hasOwn(otherNames, name));
  return known === undefined ? [] : (otherNames[known] ?? []);
}

function schemaAt(root: StructuralSchema, path: Path): StructuralSchema | undefined {
  return path.reduce<StructuralSchema | undefined>(
    (schema, part) =>
      typeof part === 'number' ? schema?.items : (schema?.properties?.[part] ?? schema?.additionalProperties),
    root,
  );
}

/** Without its full stop, as a message ends. */
function firstSentence(text: string): string {
  return text.split('. ', 1).join('').replace(/\.$/, '');
}
