import type { ExitReason } from './exit-codes.ts';

/** An error whose exit code tells the operator who must act. Messages name the thing, what was found, what was expected. */
export class TrainerError extends Error {
  readonly reason: ExitReason;

  constructor(reason: ExitReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.reason = reason;
  }
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

/** Thrown at the next safe point after SIGTERM or SIGINT, once the state is saved. */
export class InterruptedError extends TrainerError {
  constructor(message: string, options?: ErrorOptions) {
    super('interrupted', message, options);
  }
}
