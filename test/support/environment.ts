import { TestEnvironment } from 'jest-environment-node';

/**
 * Node's environment with the host realm's typed arrays. onnxruntime-node checks tensor data with `instanceof` against
 * the realm its addon was loaded in, so the typed arrays of Jest's own realm would be refused.
 */
export default class HostArraysEnvironment extends TestEnvironment {
  override async setup(): Promise<void> {
    await super.setup();
    Object.assign(this.global, {
      ArrayBuffer,
      BigInt64Array,
      BigUint64Array,
      Float32Array,
      Float64Array,
      Int16Array,
      Int32Array,
      Int8Array,
      SharedArrayBuffer,
      Uint16Array,
      Uint32Array,
      Uint8Array,
      Uint8ClampedArray,
    });
  }
}
