import { z } from 'zod';
import { object, objectName } from './schema.ts';

/**
 * The token that a service outside asks for. Its variable is one of ours, so that the manifest of a stranger has nothing else of the
 * environment sent to an address of theirs.
 *
 * @param variable that has it unless the manifest names another one
 */
export function serviceToken(variable: string) {
  return object({
    variable: z
      .string()
      .regex(/^R1_([A-Z0-9]+_)+(TOKEN|KEY)$/)
      .max(128)
      .default(variable)
      .describe(
        'The environment variable of the trainer that holds it; its name begins with R1_ and ends in _TOKEN or _KEY.',
      ),
    secret: objectName
      .optional()
      .describe('On a cluster: the Secret whose key "token" the variable is set from in the pods of the stage.'),
  });
}
