/** What the compiler says of a kernel on one architecture. */
export interface KernelUse {
  readonly kernel: string;
  /** Such as sm_90. */
  readonly architecture: string;
  readonly registers: number;
  /** Bytes of registers that are kept in memory. */
  readonly spilled: number;
}

/** Reads the lines of `ptxas --verbose`. */
export function kernelReport(text: string): KernelUse[] {
  const blocks = text.split(/^ptxas info\s*: Compiling entry function /m).slice(1);
  return blocks.map((block) => {
    const [, symbol = '', architecture = ''] = /^'([^']+)' for '([^']+)'/.exec(block) ?? [];
    const [, stored = '', loaded = ''] = /(\d+) bytes spill stores, (\d+) bytes spill loads/.exec(block) ?? [];
    const [, registers = ''] = /Used (\d+) registers/.exec(block) ?? [];
    return {
      kernel: nameIn(symbol),
      architecture,
      registers: Number(registers),
      spilled: Math.max(Number(stored), Number(loaded)),
    };
  });
}

export function spills(kernels: readonly KernelUse[]): readonly KernelUse[] {
  return kernels.filter(({ spilled }) => spilled > 0);
}

/** The last name of a nested one in the form `N<length><name>…E`, with what tells instances of a template apart. */
function nameIn(symbol: string): string {
  const names: string[] = [];
  let rest = symbol.replace(/^_ZN?/, '');
  for (let match = /^(\d+)/.exec(rest); match !== null; match = /^(\d+)/.exec(rest)) {
    const start = match[0].length;
    names.push(rest.slice(start, start + Number(match[0])));
    rest = rest.slice(start + Number(match[0]));
  }
  const template = /^I(.*)EEv/.exec(rest)?.[1] ?? '';
  return `${names.at(-1) ?? symbol}${template === '' ? '' : `<${template}>`}`;
}
