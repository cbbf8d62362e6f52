import { UserError } from '../../contract/process/errors.ts';

/**
 * The token that a service asks for, from an environment variable.
 *
 * @param service what asks for it, as a message names it
 * @throws UserError where the variable is empty, or holds what no HTTP header can carry
 */
export function accessToken(service: string, variable: string): string {
  const token = process.env[variable]?.trim() ?? '';
  const name = `${service}: the environment variable ${variable}`;
  if (token === '') throw new UserError(`${name} is empty; expected the token that the service asks for`);
  if (!/^[\x21-\x7e]+$/.test(token)) throw new UserError(`${name} is no token; expected visible ASCII without spaces`);
  return token;
}
