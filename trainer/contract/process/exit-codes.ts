/**
 * What the trainer's exit code says about who must act. The operator maps each code to a failure class and its own
 * retry budget; everything else (including 1, an uncaught exception) counts as a bug of ours.
 */
export const exitCodes = {
  succeeded: 0,
  /** Bad settings, data, checkpoint or tokenizer: a retry would fail the same way. */
  userError: 64,
  outOfMemory: 65,
  diskFull: 66,
  /** A loss, gradient norm or metric that is not finite. Training gives the same bits again: the settings must change. */
  diverged: 67,
  /** Something outside did not answer or did not keep what it was given (the Hub, a port, the volume): a retry may help. */
  unavailable: 69,
  /** Another process writes in the stage's directory and goes on: nothing is lost, and nobody has to act. EX_CANTCREAT of sysexits.h. */
  anotherWriter: 73,
  /** SIGTERM or SIGINT: progress was saved, the same attempt may go on. */
  interrupted: 75,
} as const;

export type ExitReason = keyof typeof exitCodes;
