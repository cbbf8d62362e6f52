import type { Api, Pointer } from './api.ts';

export interface CudaProviderOptions {
  /** Library of the provider. */
  readonly path: string;
  /** Its number in this process. */
  readonly gpu: number;
  /** Of CUDA's, on which programs run. */
  readonly stream: Pointer;
}

/** Makes the sessions of some options run on a GPU. */
export type AppendProvider = (sessionOptions: Pointer) => void;

const providerName = 'CUDAExecutionProvider';

/** The stream is ours, and products of f32 are those of f32. Memory is taken as it is needed: a lane has a GPU for itself. */
function settings({ gpu, stream }: CudaProviderOptions): Record<string, string> {
  return {
    device_id: String(gpu),
    has_user_compute_stream: '1',
    user_compute_stream: String(stream),
    do_copy_in_default_stream: '1',
    use_tf32: '0',
    arena_extend_strategy: 'kSameAsRequested',
  };
}

/** The provider that belongs to its core, in a library of that core's folder. */
export function bridgedProvider(api: Api, options: CudaProviderOptions): AppendProvider {
  const [keys, values] = [Object.keys(settings(options)), Object.values(settings(options))];
  return (sessionOptions) => {
    const cuda = api.make('CreateCUDAProviderOptions');
    try {
      api.call('UpdateCUDAProviderOptions', cuda, keys, values, keys.length);
      api.call('SessionOptionsAppendExecutionProvider_CUDA_V2', sessionOptions, cuda);
    } finally {
      api.release('ReleaseCUDAProviderOptions', cuda);
    }
  };
}

/** The provider as a plugin, which later cores alone will have. @throws Error where it finds no GPU */
export function pluggedProvider(api: Api, environment: Pointer, options: CudaProviderOptions): AppendProvider {
  api.call('RegisterExecutionProviderLibrary', environment, providerName, options.path);
  const devices = api.epDevices(environment).filter(({ provider }) => provider === providerName);
  const device = devices[options.gpu];
  if (device === undefined)
    throw new Error(`${options.path}: found ${devices.length} GPUs, expected number ${options.gpu}`);
  const { device_id: _, ...others } = settings(options);
  const [keys, values] = [Object.keys(others), Object.values(others)];
  return (sessionOptions) => {
    api.call(
      'SessionOptionsAppendExecutionProvider_V2',
      sessionOptions,
      environment,
      [device.place],
      1,
      keys,
      values,
      keys.length,
    );
  };
}
