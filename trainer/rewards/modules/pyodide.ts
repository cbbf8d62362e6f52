import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RewardPythonSettings } from '../../contract/settings/own-functions.ts';
import { confinedNode, type SandboxProgram } from '../runners/confinement.ts';

const program = fileURLToPath(new URL('./pyodide-sandbox.ts', import.meta.url));
const reward = fileURLToPath(new URL('./reward.py', import.meta.url));

/** Of WebAssembly's memory. */
const pagesPerMiB = 16;

/** The sandbox of a reward in Python without a Python: that of a module, in which Pyodide runs it. */
export function pyodideSandbox({
  format,
  memoryMiB,
}: Pick<RewardPythonSettings, 'format' | 'memoryMiB'>): SandboxProgram {
  const pyodide = dirname(fileURLToPath(import.meta.resolve('pyodide')));
  return confinedNode(program, {
    readable: [reward, `${pyodide}/`],
    memoryMiB,
    flags: [`--wasm-max-mem-pages=${memoryMiB * pagesPerMiB}`],
    args: [pyodide, reward, format, String(memoryMiB)],
  });
}
