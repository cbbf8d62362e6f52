import variant from '@jitl/quickjs-wasmfile-release-sync';
import {
  newQuickJSWASMModuleFromVariant,
  newVariant,
  type QuickJSContext,
  type QuickJSSyncVariant,
  type QuickJSWASMModule,
} from 'quickjs-emscripten-core';
import type { Job, Outcome } from './code-tests.ts';

/** Of all tests of one answer together; an interrupt comes with about 5,000 rounds of an empty loop. No clock, so that every machine says the same. */
const mostInterrupts = 5_000;
/** Pages of 64 KiB: the engine's own count of its memory leaves most of it out. */
const memoryPages = { initial: 256, maximum: 1024 };
const stackBytes = 256 << 10;
const mostOutput = 1 << 20;

/** Node has it, its types do not. */
declare const WebAssembly: { readonly Memory: new (pages: typeof memoryPages) => object };

/** What a program finds beside the language itself: its input and its output. Time stands still, and chance is the same each time. */
const prelude = `
(() => {
  const { stringify } = JSON, text = globalThis.stdin, most = ${mostOutput};
  delete globalThis.stdin;
  let written = '';
  const show = (value) => typeof value === 'string' ? value : typeof value === 'object' && value !== null ? stringify(value) : String(value);
  const print = (...values) => {
    written += values.map(show).join(' ') + '\\n';
    if (written.length > most) throw new Error('it wrote more than ' + most + ' characters');
  };
  const lines = text.split('\\n'); let line = 0, seed = 1;
  const readFileSync = (file) => { if (file === 0 || file === '/dev/stdin') return text; throw new Error('there are no files'); };
  const require = (name) => { if (name === 'fs' || name === 'node:fs') return { readFileSync }; throw new Error('there is no module ' + name); };
  Math.random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  const RealDate = Date;
  globalThis.Date = class Date extends RealDate { constructor(...given) { super(...(given.length > 0 ? given : [0])); } static now() { return 0; } };
  Object.assign(globalThis, { print, require, console: { log: print, error() {}, warn() {} }, readline: () => line < lines.length ? lines[line++] : null });
  return { written: () => written, json: (value) => { const json = stringify(value); return json === undefined ? 'null' : json; } };
})()`;

/** Runs JavaScript in QuickJS, compiled to WebAssembly: it has no network, no files and no processes, as nothing gives it any. */
export class QuickJs {
  #module: QuickJSWASMModule | undefined;

  /** Each test in a world of its own; the first that fails ends the run. */
  async run(job: Job): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    const budget = { left: mostInterrupts };
    const inputs: readonly unknown[] = 'stdin' in job ? job.stdin : job.args;
    for (const input of inputs) {
      // oxlint-disable-next-line no-await-in-loop -- the first that fails ends the run
      this.#module ??= await load();
      const outcome = this.#test(this.#module, job, input, budget);
      outcomes.push(outcome);
      if ('failed' in outcome) break;
    }
    return outcomes;
  }

  #test(module: QuickJSWASMModule, job: Job, input: unknown, budget: { left: number }): Outcome {
    const runtime = module.newRuntime();
    runtime.setMaxStackSize(stackBytes);
    runtime.setInterruptHandler(() => --budget.left < 0);
    const context = runtime.newContext();
    try {
      return { output: outputOf(context, job, input) };
    } catch (error) {
      return { failed: String(error).slice(0, 300) };
    } finally {
      try {
        context.dispose();
        runtime.dispose();
      } catch {
        // What ran out of memory or was cut short cannot be put away in order: with it goes all of its memory.
        this.#module = undefined;
      }
    }
  }
}

function load(): Promise<QuickJSWASMModule> {
  // Its types are those of a module of another kind.
  const base = variant as unknown as QuickJSSyncVariant;
  return newQuickJSWASMModuleFromVariant(newVariant(base, { wasmMemory: new WebAssembly.Memory(memoryPages) }));
}

/** What the program wrote, or its function returned as JSON. Fails by throwing. */
function outputOf(context: QuickJSContext, job: Job, input: unknown): string {
  using stdin = context.newString('stdin' in job ? (input as string) : '');
  context.setProp(context.global, 'stdin', stdin);
  using own = context.unwrapResult(context.evalCode(prelude, 'prelude.js'));
  context.unwrapResult(context.evalCode(job.code, 'answer.js')).dispose();
  context.unwrapResult(context.runtime.executePendingJobs());
  if ('stdin' in job) return textOf(context, context.callMethod(own, 'written', []));
  using returned = context.unwrapResult(context.evalCode(`${job.function}(...${JSON.stringify(input)})`, 'test.js'));
  context.unwrapResult(context.runtime.executePendingJobs());
  const state = context.getPromiseState(returned);
  if (state.type === 'pending') throw new Error('it gave a promise that nothing keeps');
  if (state.type === 'rejected') throw new Error('it gave a promise that was broken');
  try {
    return textOf(context, context.callMethod(own, 'json', [state.value]));
  } finally {
    if (state.value !== returned) state.value.dispose();
  }
}

function textOf(context: QuickJSContext, result: ReturnType<QuickJSContext['callMethod']>): string {
  using handle = context.unwrapResult(result);
  const text = context.getString(handle);
  if (text.length > mostOutput) throw new Error(`it gave more than ${mostOutput} characters`);
  return text;
}
