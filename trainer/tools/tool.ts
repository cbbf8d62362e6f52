import type { Tool } from '../contract/settings/dataset.ts';

/** Something that a model may call. */
export interface CallableTool {
  /** What it is called with, as chat templates tell a model: a JSON schema of OpenAI's form. */
  readonly definition: Tool;
  /**
   * The result in words. A function of the arguments alone, and bounded in time.
   *
   * @throws ToolFault for arguments that it cannot work with
   */
  run(given: Readonly<Record<string, unknown>>): string | Promise<string>;
}

/** What went wrong, in words for the model. */
export class ToolFault extends Error {}

/** The text under a name of the arguments. @throws ToolFault */
export function textArgument(given: Readonly<Record<string, unknown>>, name: string): string {
  const value = given[name];
  if (typeof value === 'string' && value.trim() !== '') return value;
  const found = value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 100);
  throw new ToolFault(`argument ${name}: found ${found}, expected text`);
}

/** A function with one text as its argument, in OpenAI's form. */
export function definitionOf(name: string, description: string, argument: readonly [name: string, what: string]): Tool {
  const [argumentName, what] = argument;
  const properties = { [argumentName]: { type: 'string', description: what } };
  const parameters = { type: 'object', properties, required: [argumentName] };
  return { type: 'function', function: { name, description, parameters } };
}
