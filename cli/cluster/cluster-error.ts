import { ApiError, ConnectionError } from '../../operator/kube/client/api-error.ts';
import { apiVersion } from '../../operator/api/resources/metadata.ts';
import { cliExitCodes } from '../exit-codes.ts';

/** Something that a cluster did not do, in one line for a person, with the exit code for it. */
export class ClusterError extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ClusterError';
    this.exitCode = exitCode;
  }

  /** Asking again later may help. */
  get isPassing(): boolean {
    return this.exitCode === cliExitCodes.unavailable;
  }
}

/**
 * Says what went wrong with a request; anything else than an answer of the cluster, or the lack of one, is returned as
 * it is.
 *
 * @param place such as `context kind, namespace team`
 * @param doing such as `list r1pipelines`
 */
export function explain(error: unknown, place: string, server: string, doing: string): unknown {
  const say = (exitCode: number, what: string): ClusterError =>
    new ClusterError(exitCode, `${place}: cannot ${doing}: ${what}`, { cause: error });

  if (error instanceof ConnectionError) {
    return say(cliExitCodes.unavailable, `found no answer from ${server} (${causeOf(error)})`);
  }
  if (!(error instanceof ApiError)) return error;
  const { status, reason, message } = error;
  if (status === 401) {
    return say(cliExitCodes.forbidden, `${server} does not accept these credentials (${message}); log in again`);
  }
  if (status === 403) return say(cliExitCodes.forbidden, message);
  if (status === 429 || status >= 500) return say(cliExitCodes.unavailable, `${server} answers ${status}: ${message}`);
  // An API server that does not know the group answers without a Status object, one that knows another version with one.
  if (status === 404 && (reason === '' || message.startsWith('the server could not find'))) {
    return say(cliExitCodes.userError, `found no ${apiVersion} there, expected that r1-operator is installed`);
  }
  return say(cliExitCodes.userError, message);
}

function causeOf({ message, cause }: ConnectionError): string {
  if (!(cause instanceof Error)) return message;
  const { code } = cause as NodeJS.ErrnoException;
  return cause.message || code || message;
}
