import { cpus, loadavg, totalmem } from 'node:os';
import { readFileSync } from 'node:fs';

export interface Machine {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** Runnable processes in the last minute: others at work make wall times worthless. */
  readonly load: number;
}

export function describeMachine(now: Date): Machine {
  return {
    date: now.toISOString(),
    cpu: cpuName(readFileSync('/proc/cpuinfo', 'utf8')),
    cores: cpus().length,
    memoryBytes: totalmem(),
    load: loadavg()[0] ?? 0,
  };
}

/** Model name and family/model/stepping, from the text of `/proc/cpuinfo`: hypervisors often hide the name. */
export function cpuName(cpuinfo: string): string {
  const field = (name: string): string => new RegExp(`^${name}\\s*: (.*)$`, 'm').exec(cpuinfo)?.[1] ?? '?';
  return `${field('model name')} (family ${field('cpu family')}, model ${field('model')}, stepping ${field('stepping')})`;
}
