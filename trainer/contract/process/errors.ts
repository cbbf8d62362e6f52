import type { ExitReason } from './exit-codes.ts';

/** An error whose exit code tells the operator who must act. Messages name the thing, what was found, what was expected. */
export class TrainerError extends Error {
  readonly reason: ExitReason;

  constructor(reason: ExitReason, message: string, options?: ErrorOptions) {
    super(printable(message), options);
    this.name = new.target.name;
    this.reason = reason;
  }
}

const mostCharacters = 4000;

/** Messages quote files of strangers: what a terminal would obey is escaped, and what fills the screen is cut. */
export function printable(message: string): string {
  const short = message.length > mostCharacters ? `${message.slice(0, mostCharacters)}…` : message;
  return short.replaceAll(
    /(?![\n\t])[\p{Cc}\p{Bidi_Control}\p{Cs}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The person who wrote the manifest or the data must act; never retried. */
export class UserError extends TrainerError {
  constructor(message: string, options?: ErrorOptions) {
    super('userError', message, options);
  }
}

export class DiskFullError extends TrainerError {
  constructor(message: string, options?: ErrorOptions) {
    super('diskFull', message, options);
  }
}

export class DivergedError extends TrainerError {
  constructor(message: string, options?: ErrorOptions) {
    super('diverged', message, options);
  }
}

/** Something outside the trainer failed, which may work the next time. */
export class UnavailableError extends TrainerError {
  constructor(message: string, options?: ErrorOptions) {
    super('unavailable', message, options);
  }
}

/** Another process writes where this one was to, or has come to: it goes on, and this one has nothing to do. */
export class AnotherWriterError extends TrainerError {
  constructor(message: string, options?: ErrorOptions) {
    super('anotherWriter', message, options);
  }
}

/** Thrown at the next safe point after SIGTERM or SIGINT, once the state is saved. */
export class InterruptedError extends TrainerError {
  constructor(message: string, options?: ErrorOptions) {
    super('interrupted', message, options);
  }
}
