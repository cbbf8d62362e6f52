import type { DeviceBuffer } from '../tensor.ts';
import type { Pointer } from './api.ts';

/** Where a buffer lies. Nothing outside this folder asks. */
export interface BufferPlace {
  readonly address: Pointer;
  /** The library's description of the memory that it is in. */
  readonly memory: Pointer;
}

const places = new WeakMap<DeviceBuffer, BufferPlace>();

/** A buffer, and what makes it a freed one. */
export function newBuffer(
  bytes: number,
  place: BufferPlace,
): { readonly buffer: DeviceBuffer; readonly freed: () => void } {
  let isFreed = false;
  const buffer = {
    bytes,
    get isFreed() {
      return isFreed;
    },
  };
  places.set(buffer, place);
  return {
    buffer,
    freed: () => {
      isFreed = true;
      places.delete(buffer);
    },
  };
}

/** @throws Error where it has been freed, or is none that a device made */
export function placeOf(buffer: DeviceBuffer): BufferPlace {
  const place = places.get(buffer);
  if (place === undefined) throw new Error('found a buffer that is not there any more, expected one of a device');
  return place;
}
