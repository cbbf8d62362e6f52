/** The part of a `meta/v1 Status` object that is read. */
export interface ApiStatus {
  readonly kind?: string;
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly retryAfterSeconds?: number };
}

/** What an API server answered instead of doing what it was asked. */
export class ApiError extends Error {
  /** HTTP status, such as 409. */
  readonly status: number;
  /** Of the Status object, such as AlreadyExists; empty where something else than an API server answered. */
  readonly reason: string;
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, reason: string, message: string, retryAfterSeconds?: number) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.reason = reason;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** From the object of an ERROR event of a watch. */
  static fromStatus({ code, reason, message, details }: ApiStatus): ApiError {
    return new ApiError(
      code ?? 500,
      reason ?? '',
      message ?? 'the API server gave no reason',
      details?.retryAfterSeconds,
    );
  }

  /**
   * From a response whose status is 400 or more.
   *
   * @param request names the request where the answer has no message of its own, such as `GET /api/v1/pods`
   * @param body a Status object, or whatever a proxy in between had to say
   * @param retryAfter the Retry-After header; a date in it is ignored, as API servers send seconds
   */
  static fromResponse(request: string, status: number, body: string, retryAfter: string | undefined): ApiError {
    const { reason, message, details } = parseStatus(body);
    const seconds = Number(retryAfter ?? details?.retryAfterSeconds);
    return new ApiError(
      status,
      reason ?? '',
      message ?? `${request}: status ${status}${body === '' ? '' : `: ${body.slice(0, 200)}`}`,
      Number.isFinite(seconds) ? seconds : undefined,
    );
  }
}

/** No answer: nothing listens, the connection broke, or the time was up. What was asked may have been done. */
export class ConnectionError extends Error {
  constructor(message: string, cause: unknown) {
    super(message, { cause });
    this.name = 'ConnectionError';
  }
}

export const isNotFound = (error: unknown): boolean => hasStatus(error, 404);
/** What was read is out of date, or another field manager owns the field: look again. */
export const isConflict = (error: unknown): boolean => hasStatus(error, 409) && !isAlreadyExists(error);
export const isAlreadyExists = (error: unknown): boolean =>
  hasStatus(error, 409) && reasonOf(error) === 'AlreadyExists';
/** The resource version or the continue token is older than what the server remembers: list again. */
export const isGone = (error: unknown): boolean => hasStatus(error, 410);
export const isTooManyRequests = (error: unknown): boolean => hasStatus(error, 429);
/** No object is to blame: who asks, what was there before, or how much the server has to do. */
const notAboutTheObject = [401, 404, 408, 409, 410, 429];
/**
 * The object is not wanted as it is, whoever says so: a schema, a quota, a policy, an admission webhook with a code of its
 * own. 400 is what a webhook that names no code gives.
 */
export const isRefusal = (error: unknown): boolean =>
  error instanceof ApiError && error.status >= 400 && error.status < 500 && !notAboutTheObject.includes(error.status);
/** Something behind the API server is broken, such as an admission webhook that does not answer. */
export const isInternalError = (error: unknown): boolean => hasStatus(error, 500);

/** Nothing is served at the address of a whole kind: what an API server has no object of, it says in an object. */
export const isUnknownKind = (error: unknown): boolean => isNotFound(error) && reasonOf(error) === '';

/** What is gone needs no change, and no deletion. */
export function ignoreNotFound(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
}

function hasStatus(error: unknown, status: number): boolean {
  return error instanceof ApiError && error.status === status;
}

function reasonOf(error: unknown): string {
  return error instanceof ApiError ? error.reason : '';
}

function parseStatus(body: string): ApiStatus {
  try {
    const value = JSON.parse(body) as ApiStatus | null;
    return value?.kind === 'Status' ? value : {};
  } catch {
    return {};
  }
}
