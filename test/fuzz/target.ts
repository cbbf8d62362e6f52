import type * as fc from 'fast-check';
import { TrainerError } from '../../trainer/contract/process/errors.ts';

/** One reader of untrusted bytes, and the inputs that are tried on it. */
export interface FuzzTarget {
  readonly name: string;
  /** Peak resident memory that a process may reach which reads such inputs one after another, in MiB. */
  readonly mostMiB: number;
  /** The product reads them in a thread that it ends after a while, so that an input may run for ever. */
  readonly mayRunForEver?: boolean;
  /** Inputs, most of them nearly right. */
  readonly inputs: () => fc.Arbitrary<Uint8Array>;
  /** What is there before the first input, and what reads one. */
  readonly open: (directory: string) => Promise<Reader>;
}

export interface Reader {
  /** Throws what the product throws; anything but an error that names who must act is a fault. */
  read(input: Uint8Array): unknown;
  close?(): Promise<void>;
}

const mostMessageCharacters = 5000;

/** Whether an input was taken or refused in words. Throws for every other end. */
export async function tryInput(reader: Reader, input: Uint8Array): Promise<'taken' | 'refused'> {
  try {
    await reader.read(input);
    return 'taken';
  } catch (error) {
    if (!(error instanceof TrainerError)) throw new Error(`not refused in words: ${String(error)}`, { cause: error });
    requireOneClearMessage(error.message);
    return 'refused';
  }
}

function requireOneClearMessage(message: string): void {
  if (message.length > mostMessageCharacters)
    throw new Error(`a message of ${message.length} characters: ${message.slice(0, 200)}…`);
  if (/\n\s+at /.test(message)) throw new Error(`a message with a stack trace: ${message}`);
  // A terminal would obey them.
  const control = /(?![\n\t])\p{Cc}/u.exec(message);
  if (control) throw new Error(`a message with the control character ${JSON.stringify(control[0])}: ${message}`);
}
