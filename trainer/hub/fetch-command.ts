import { InterruptedError, UserError } from '../contract/errors.ts';
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
  const signal = stopOnSignals();
  try {
    await fetchModel(
      { repo, revision },
      {
        to,
        endpoint: endpointOf(HF_ENDPOINT === undefined || HF_ENDPOINT === '' ? huggingFace : HF_ENDPOINT),
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

function endpointOf(text: string): URL {
  const url = URL.parse(text);
  if (url && ['http:', 'https:'].includes(url.protocol)) return url;
  throw new UserError(`HF_ENDPOINT: found ${JSON.stringify(text)}, expected a URL such as ${huggingFace}`);
}
