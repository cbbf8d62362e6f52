import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './run.ts';

/**
 * Writes a key and a certificate for a webhook on loopback, as `tls.key` and `tls.crt`.
 *
 * @returns the bundle by which an API server knows it, in base64
 */
export async function selfSigned(directory: string): Promise<string> {
  const subject = ['-days', '2', '-subj', '/CN=webhook', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', join(directory, 'tls.key')];
  await run('openssl', ['req', '-x509', ...subject, ...key, '-out', join(directory, 'tls.crt')]);
  return (await readFile(join(directory, 'tls.crt'))).toString('base64');
}
