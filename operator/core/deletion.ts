/** The part of an object's metadata that tells of its deletion. */
interface Deletable {
  readonly deletionTimestamp?: string | undefined;
  readonly finalizers?: unknown;
}

/** Those of Kubernetes itself: with the first what an object owns is deleted before it, with the second it is let go. */
const ofKubernetes = { foreground: 'foregroundDeletion', orphan: 'orphan' };

/**
 * Finalizers of others that hold up the deletion of an object, for as long as they like: what it owns is collected only once
 * it is gone. None where whoever deleted it wants what it owns to stay.
 */
export function heldBy(metadata: Deletable): readonly string[] {
  const finalizers = (metadata.finalizers ?? []) as readonly string[];
  if (metadata.deletionTimestamp === undefined || finalizers.includes(ofKubernetes.orphan)) return [];
  return finalizers.filter((each) => each !== ofKubernetes.foreground);
}

/** It is as good as gone: nothing is to be done with it any more. */
export function isGoing(metadata: Deletable): boolean {
  return metadata.deletionTimestamp !== undefined && heldBy(metadata).length === 0;
}

/** What becomes of an object that is being deleted; undefined where nobody holds it. */
export function heldInWords(metadata: Deletable): string | undefined {
  const holders = heldBy(metadata);
  if (holders.length === 0) return undefined;
  const [finalizers, hold] = holders.length === 1 ? ['finalizer', 'holds'] : ['finalizers', 'hold'];
  return `it is being deleted, which ${finalizers} ${holders.join(', ')} ${hold} up`;
}
