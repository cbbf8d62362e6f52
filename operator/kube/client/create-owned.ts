import { ignoreNotFound, isAlreadyExists, isInternalError, isRefusal, isUnknownKind } from './api-error.ts';
import type { KubeClient } from './client.ts';
import type { KubeObject, ResourceKind, Stored } from './resources.ts';

/** The cluster does not grant a wish now, and says why in words for people; it may later. */
export class RefusedError extends Error {
  readonly retryAfterMs: number;
  /** Nobody has to do anything: it is a matter of seconds. */
  readonly passes: boolean;
  /** Somebody else's object has the name. */
  readonly taken: boolean;

  constructor(message: string, retryAfterMs: number, { passes = false, taken = false } = {}) {
    super(message);
    this.name = 'RefusedError';
    this.retryAfterMs = retryAfterMs;
    this.passes = passes;
    this.taken = taken;
  }
}

/** A quota that is used up or a name that is taken is looked at again this often. */
const retryRefusedMs = 30_000;
/** What belonged to a deleted object of the same name is collected within a second or two. */
export const retryCollectedMs = 500;
/** What is broken may be there again soon, and is said meanwhile. */
const retryBrokenMs = 5000;

type WithOwners = { metadata?: { ownerReferences?: { uid: string; kind: string; name: string }[] } };

/**
 * Creates an object that has an owner. One that the same owner has already is what was wished for; one of a former owner of that name goes.
 *
 * @param owners the kind of its owner
 * @throws RefusedError when somebody else's has the name, or the API server does not want it
 */
export async function createOwned<T extends KubeObject & WithOwners>(
  client: KubeClient,
  kind: ResourceKind<T>,
  object: T,
  owners: ResourceKind<KubeObject>,
): Promise<Stored<T>> {
  const owner = object.metadata?.ownerReferences?.[0];
  try {
    return await client.create(kind, object);
  } catch (error) {
    if (isUnknownKind(error)) {
      const message = `the API server knows no ${kind.kind} of ${kind.apiVersion}: its definition is missing`;
      throw new RefusedError(message, retryRefusedMs);
    }
    if (!isAlreadyExists(error)) return refuse(error);
    const { name = '', namespace } = object.metadata ?? {};
    const existing = await client.find(kind, { name, namespace });
    if (existing === undefined) throw error; // gone in between: try again
    const theirs = existing.metadata.ownerReferences?.[0];
    if (theirs?.uid === owner?.uid) return existing;
    if (owner !== undefined && theirs?.kind === owner.kind && theirs.name === owner.name) {
      return refuseFormer(client, kind, existing, { owners, owner });
    }
    const whose = theirs === undefined ? 'nobody' : `${theirs.kind} ${theirs.name}`;
    throw new RefusedError(`a ${kind.kind} named ${name} exists and belongs to ${whose}`, retryRefusedMs, {
      taken: true,
    });
  }
}

interface Owner {
  readonly owners: ResourceKind<KubeObject>;
  readonly owner: { readonly uid: string; readonly name: string };
}

/**
 * Refuses what belonged to a former owner of the same name, until it is gone.
 *
 * @throws RefusedError always
 */
export async function refuseFormer<T extends KubeObject>(
  client: KubeClient,
  kind: ResourceKind<T>,
  existing: Stored<T>,
  { owners, owner }: Owner,
): Promise<never> {
  await collect(client, kind, existing, { owners, owner });
  const message = `${kind.kind} ${existing.metadata.name} of a former ${owners.kind} ${owner.name} is still being deleted`;
  throw new RefusedError(message, retryCollectedMs, { passes: true });
}

/**
 * Deletes what belonged to a former owner. So does the garbage collector, within a second or two; but where an API server was started again
 * meanwhile, it has been seen to leave some for as long as anybody looked.
 */
async function collect<T extends KubeObject>(
  client: KubeClient,
  kind: ResourceKind<T>,
  { metadata }: Stored<T>,
  { owners, owner }: Owner,
): Promise<void> {
  if (metadata.deletionTimestamp !== undefined) return;
  const now = await client.find(owners, { namespace: metadata.namespace, name: owner.name });
  if (now?.metadata.uid !== owner.uid) return; // the one that is known here may be the former
  await client.delete(kind, metadata, metadata.uid).catch(ignoreNotFound);
}

/**
 * Creates an object whose name says whose it is: one that exists is the one that was wished for.
 *
 * @throws RefusedError when the API server does not want it
 */
export async function createNamed<T extends KubeObject>(
  client: Pick<KubeClient, 'create'>,
  kind: ResourceKind<T>,
  object: T,
): Promise<void> {
  try {
    await client.create(kind, object);
  } catch (error) {
    if (!isAlreadyExists(error)) return refuse(error);
  }
}

/**
 * What the API server said to a write, as a wish that may be granted later. Anything else is thrown as it is.
 *
 * @throws RefusedError where it is about the object, or what has to look at the object is broken
 */
export function refuse(error: unknown): never {
  if (!(error instanceof Error)) throw error;
  if (isRefusal(error)) throw new RefusedError(error.message, retryRefusedMs);
  if (isInternalError(error)) throw new RefusedError(error.message, retryBrokenMs, { passes: true });
  throw error;
}
