import { mostWarnings, type StageWarning, warningLength } from '../../contract/files/progress.ts';

/** What a stage warns of now: people see it in `r1 get`, in events and in the report. */
export class Warnings {
  private readonly messages = new Map<string, string>();

  /**
   * Warns of something until it is withdrawn; saying it again replaces the message and nothing else.
   *
   * @param reason one CamelCase word
   * @param message what was found and what to do about it; longer than 300 characters is cut. One that names the step since
   *   when it holds is better than one that counts: it stays the same
   */
  warn(reason: string, message: string): void {
    if (this.messages.has(reason) || this.messages.size < mostWarnings) {
      const fits = message.length <= warningLength;
      this.messages.set(reason, fits ? message : `${message.slice(0, warningLength - 1)}…`);
    }
  }

  withdraw(reason: string): void {
    this.messages.delete(reason);
  }

  /** Oldest first. */
  get all(): StageWarning[] {
    return Array.from(this.messages, ([reason, message]) => ({ reason, message }));
  }
}
