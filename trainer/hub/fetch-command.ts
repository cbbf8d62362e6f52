import { InterruptedError, UserError } from '../contract/process/errors.ts';
import { stopOnSignals } from '../stop-on-signals.ts';
import { fetchModel } from './fetch-model.ts';

const huggingFace = 'https://huggingface.co';

/** Downloads a model from the Hub that the environment names: HF_ENDPOINT, HF_TOKEN. */
export async function fetchFromHub({
  repo,
  revision,
  to,
}: {
  repo: string;
  revision: string;
  to: string;
}): Promise<void> {
  const { HF_ENDPOINT, HF_TOKEN } = process.env;
  const endpoint = endpointOf(HF_ENDPOINT === undefined || HF_ENDPOINT === '' ? huggingFace : HF_ENDPOINT);
  // Of glibc, which asks a name server that does not answer for 20 s, and cannot be stopped meanwhile.
  process.env['RES_OPTIONS'] ??= 'timeout:2 attempts:2';
  const signal = stopOnSignals();
  try {
    await fetchModel(
      { repo, revision },
      {
        to,
        endpoint,
        proxy: proxyFor(endpoint),
        token: HF_TOKEN === undefined || HF_TOKEN.trim() === '' ? undefined : HF_TOKEN.trim(),
        signal,
        say: (message) => console.log(message),
      },
    );
  } catch (error) {
    if (signal.aborted) throw new InterruptedError('asked to stop; what was downloaded is kept', { cause: error });
    throw error;
  }
}

/** Without name and password. */
function proxyFor({ protocol }: URL): string | undefined {
  const { HTTP_PROXY, HTTPS_PROXY } = process.env;
  const proxy = protocol === 'https:' ? HTTPS_PROXY : HTTP_PROXY;
  return proxy === undefined ? undefined : URL.parse(proxy)?.host;
}

function endpointOf(text: string): URL {
  const url = URL.parse(text);
  if (url && ['http:', 'https:'].includes(url.protocol)) return url;
  throw new UserError(`HF_ENDPOINT: found ${JSON.stringify(text)}, expected a URL such as ${huggingFace}`);
}
