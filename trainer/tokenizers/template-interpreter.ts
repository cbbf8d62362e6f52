import { Interpreter } from '@huggingface/jinja';

/** A node of a template's syntax tree, as far as it is looked at here; the package's own types do not resolve. */
interface Statement {
  readonly type: string;
  readonly body?: readonly Statement[];
  readonly alternate?: readonly Statement[];
  readonly defaultBlock?: readonly Statement[];
}

interface BaseInterpreter {
  evaluate(statement: Statement | undefined, scope: unknown): Printed;
  run(program: unknown): Printed;
}

interface Printed {
  value: unknown;
}

const Base = Interpreter as unknown as new (scope: unknown) => BaseInterpreter;

/** A loop that runs. */
interface Loop {
  readonly statement: Statement;
  /** Whether an iteration has begun, and whether one has come to its end. */
  begun: boolean;
  ended: boolean;
}

/**
 * An interpreter whose `{% break %}` and `{% continue %}` keep what the iteration has printed before them; that of
 * @huggingface/jinja 0.5.11 leaves its blocks by an exception, and their text with them. Here the rest of the iteration,
 * or of the loop, prints nothing.
 */
export class TemplateInterpreter extends Base {
  #leaving: 'iteration' | 'loop' | undefined;
  /** The innermost one. */
  #loop: Loop | undefined;

  override evaluate(statement: Statement | undefined, scope: unknown): Printed {
    const loop = this.#loop;
    if (loop !== undefined && statement !== undefined && statement === loop.statement.body?.[0]) {
      loop.begun = true;
      if (this.#leaving === 'iteration') this.#leaving = undefined;
    }
    if (this.#leaving !== undefined) return this.#nothing(scope);
    const printed = this.#evaluated(statement, scope);
    if (this.#leaving === undefined && statement !== undefined && statement === loop?.statement.body?.at(-1))
      loop.ended = true;
    return printed;
  }

  #evaluated(statement: Statement | undefined, scope: unknown): Printed {
    switch (statement?.type) {
      case 'Break':
        this.#leaving = 'loop';
        return this.#nothing(scope);
      case 'Continue':
        this.#leaving = 'iteration';
        return this.#nothing(scope);
      case 'For':
        return this.#run({ statement, begun: false, ended: false }, scope);
      default:
        return super.evaluate(statement, scope);
    }
  }

  #run(loop: Loop, scope: unknown): Printed {
    const outer = this.#loop;
    this.#loop = loop;
    const printed = super.evaluate(loop.statement, scope);
    this.#loop = outer;
    this.#leaving = undefined;
    // As in Jinja, `else` is for a loop of which no iteration came to its end.
    if (loop.begun && !loop.ended)
      printed.value = `${String(printed.value)}${String(this.#block(loop.statement.defaultBlock ?? [], scope).value)}`;
    return printed;
  }

  #block(body: readonly Statement[], scope: unknown): Printed {
    return super.evaluate({ type: 'Program', body }, scope);
  }

  #nothing(scope: unknown): Printed {
    return super.evaluate({ type: 'Comment' }, scope);
  }
}

/** @throws SyntaxError for a `{% break %}` or `{% continue %}` outside of a loop, as Jinja does */
export function requireLoops(block: Statement, inLoop = false): void {
  if (!inLoop && (block.type === 'Break' || block.type === 'Continue'))
    throw new SyntaxError(`{% ${block.type.toLowerCase()} %} outside of a loop`);
  const isFunction = block.type === 'Macro' || block.type === 'CallStatement';
  for (const inner of block.body ?? []) requireLoops(inner, block.type === 'For' || (inLoop && !isFunction));
  for (const inner of [...(block.alternate ?? []), ...(block.defaultBlock ?? [])]) requireLoops(inner, inLoop);
}
