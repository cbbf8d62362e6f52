import { UserError } from '../contract/process/errors.ts';

/** What OpenAI's API calls who must act. */
type ErrorType = 'invalid_request_error' | 'authentication_error' | 'rate_limit_error' | 'server_error';

interface ErrorDetails {
  /** The field of the request that is at fault. */
  readonly param?: string;
  readonly code?: string;
}

/** A request that is answered with an error in OpenAI's form. */
export class ApiError extends Error {
  readonly status: number;
  readonly body: {
    readonly error: { message: string; type: ErrorType; param: string | null; code: string | null };
  };

  constructor(status: number, message: string, { param, code }: ErrorDetails = {}) {
    super(message);
    this.status = status;
    this.body = { error: { message, type: typeOf(status), param: param ?? null, code: code ?? null } };
  }
}

function typeOf(status: number): ErrorType {
  if (status === 401) return 'authentication_error';
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}

/** The result of some work, whose UserErrors are the fault of a field. */
export function blaming<T>(param: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof UserError) throw new ApiError(400, `${param}: ${error.message}`, { param });
    throw error;
  }
}
