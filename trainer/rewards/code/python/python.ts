import type { Job, Outcome } from '../code-tests.ts';
import type { SealedImports } from './sealed-imports.ts';
import { type Pyodide, startPyodide } from './start-pyodide.ts';

/** Of all tests of one answer together, each look for 50 rounds of a loop or calls. No clock, so that every machine says the same. */
const mostLooks = 1_000_000;
const mostOutput = 1 << 20;

/**
 * Runs answers in CPython, compiled to WebAssembly. Before each test its memory is set back to what it was after the start, so that none finds
 * what another one left.
 */
export class Python {
  readonly #pyodide: Pyodide;
  readonly #imports: SealedImports;
  readonly #answerText: (text: string) => string | undefined;
  readonly #image: Uint8Array;
  readonly #stack: number;
  #input: Uint8Array = new Uint8Array();
  #read = 0;
  #output: Buffer[] = [];
  #written = 0;

  private constructor(pyodide: Pyodide, imports: SealedImports, source: string) {
    this.#pyodide = pyodide;
    this.#imports = imports;
    pyodide.setStdin({ read: (bytes) => this.#giveInput(bytes) });
    pyodide.setStdout({ write: (bytes) => this.#takeOutput(bytes) });
    pyodide.setStderr({ write: ({ length }) => length });
    pyodide.setInterruptBuffer([0]); // without one Python never looks
    // What is thrown through it has not broken it, as its memory is set back.
    const { _api: api, _module: module } = pyodide;
    api.fatal_error = (error) => imports.note(String(error));
    pyodide.runPython(source);
    this.#answerText = pyodide.globals.get('answer_text');
    this.#image = module.HEAPU8.slice();
    this.#stack = module.stackSave();
  }

  /**
   * @param directory of Pyodide
   * @param source answer.py
   */
  static async start(directory: string, source: string): Promise<Python> {
    const { pyodide, imports } = await startPyodide(directory);
    return new Python(pyodide, imports, source);
  }

  /** The first test that fails ends the run. */
  run(job: Job): Outcome[] {
    const outcomes: Outcome[] = [];
    let left = mostLooks;
    for (const input of 'stdin' in job ? job.stdin : job.args) {
      this.#imports.begin(left);
      const outcome = this.#test(job, input);
      left = this.#imports.left;
      outcomes.push(outcome);
      if ('failed' in outcome) break;
    }
    return outcomes;
  }

  #test({ code, ...job }: Job, input: unknown): Outcome {
    const isProgram = 'stdin' in job;
    this.#restore(isProgram ? (input as string) : '');
    const asked = isProgram ? { code } : { code, function: job.function, args: input };
    const answer = this.#answered(JSON.stringify(asked));
    const failed = this.#imports.ended ?? answer?.failed;
    if (failed !== undefined) return { failed };
    if (isProgram) return { output: Buffer.concat(this.#output).toString() };
    const { output } = answer ?? {};
    if (output === undefined) return { failed: 'it gave nothing' };
    return output.length > mostOutput ? { failed: `it gave more than ${mostOutput} characters` } : { output };
  }

  #answered(text: string): { readonly output?: string; readonly failed?: string } | undefined {
    try {
      const answer = this.#answerText(text);
      return answer === undefined ? undefined : (JSON.parse(answer) as object);
    } catch (error) {
      this.#imports.note(String(error).slice(0, 300));
      return undefined;
    }
  }

  #restore(stdin: string): void {
    const { _module: module, FS: files } = this.#pyodide;
    for (const stream of files.streams) if (stream && stream.fd > 2) files.closeStream(stream.fd);
    module.HEAPU8.set(this.#image);
    module.HEAPU8.fill(0, this.#image.length);
    module.stackRestore(this.#stack);
    this.#input = Buffer.from(stdin);
    this.#read = 0;
    this.#output = [];
    this.#written = 0;
  }

  #giveInput(bytes: Uint8Array): number {
    const part = this.#input.subarray(this.#read, this.#read + bytes.length);
    bytes.set(part);
    this.#read += part.length;
    return part.length;
  }

  #takeOutput(bytes: Uint8Array): number {
    this.#written += bytes.length;
    if (this.#written > mostOutput) this.#imports.end(`it wrote more than ${mostOutput} bytes`);
    this.#output.push(Buffer.from(bytes));
    return bytes.length;
  }
}
