/** What the shell learns from `r1`; documented in docs/cli.md. */
export const cliExitCodes = {
  ok: 0,
  /** A pipeline failed, or a check that was asked for did. */
  failed: 1,
  /** `r1 certify` refuses a verifier. */
  refused: 3,
  /** `r1 verify` found something that is missing, changed or not named. */
  unverified: 4,
  /** Bad manifest, arguments or data: the same call would fail again. EX_USAGE of sysexits.h, and the trainer's code. */
  userError: 64,
  /** The cluster does not answer, or cannot at present. EX_UNAVAILABLE of sysexits.h. */
  unavailable: 69,
  /** A bug of ours. EX_SOFTWARE of sysexits.h. */
  internalError: 70,
  /** The cluster refuses it to this user. EX_NOPERM of sysexits.h. */
  forbidden: 77,
  /** Ctrl-C or SIGTERM; progress was saved. */
  interrupted: 130,
} as const;
