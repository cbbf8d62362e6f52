import { labels } from '../../api/resources/metadata.ts';
import type { R1Pipeline } from '../../api/resources/pipeline.ts';
import { amountOf } from '../../api/resources/quantity.ts';
import { makersOf, type R1Stage } from '../../api/resources/stage.ts';
import type { KubeClient } from '../client/client.ts';
import { ignoreNotFound, isAlreadyExists, isRefusal } from '../client/api-error.ts';
import { refuse, RefusedError, refuseFormer, retryCollectedMs } from '../client/create-owned.ts';
import { ownedBy } from '../objects/labels.ts';
import { claimName, claimNameOf } from '../../core/names.ts';
import { pipelines } from '../objects/r1-kinds.ts';
import { goesWith, isMadeFor, isOutdated, volumeClaim, wasNeverBound } from '../objects/volume-claim.ts';
import { keyOf, volumeClaims, type ObjectName, type Stored, type VolumeClaim } from '../client/resources.ts';

/** Of claims that others brought nothing is heard: one that was seen is taken for granted for so long. A pod that misses one says so itself. */
const trustMs = 60_000;
const retryMs = 30_000;
const rememberedMost = 5000;

/** The volumes of pipelines. */
export class VolumeClaims {
  private readonly client: KubeClient;
  private readonly seen = new Map<string, { readonly claim: Stored<VolumeClaim>; readonly at: number }>();

  constructor(client: KubeClient) {
    this.client = client;
  }

  /** Pods on several nodes can mount it. Of a claim that is there, its own word counts. */
  async isShared({ metadata, spec }: R1Pipeline): Promise<boolean> {
    const { claimName: name, accessMode } = spec.storage;
    if (name === undefined) return accessMode === 'ReadWriteMany';
    const claim = await this.find({ namespace: metadata.namespace, name });
    if (claim === undefined) throw new RefusedError(`claim "${name}" of spec.storage.claimName not found`, retryMs);
    return claim.spec?.accessModes?.includes('ReadWriteMany') ?? false;
  }

  /**
   * The name of the claim for the pods of a stage. The first stage of a pipeline makes it.
   *
   * @param pipeline absent for a stage that was applied without one
   * @param finished other stages of the pipeline whose output lies on the volume
   * @throws RefusedError when it is missing and cannot be made, or what lay on it is gone with it
   */
  async ensure(stage: R1Stage, pipeline: R1Pipeline | undefined, finished: readonly string[]): Promise<string> {
    const { namespace } = stage.metadata;
    const { storage } = stage.spec;
    const name = claimNameOf(stage.spec);
    const inputs = makersOf(stage.spec);
    const written = inputs.length > 0 ? inputs : finished;
    if (storage.claimName === undefined && written.length === 0) await this.create(stage, pipeline);
    const claim = await this.find({ namespace, name });
    if (claim === undefined) throw new RefusedError(missing(name, stage, written), retryMs);
    if (storage.claimName !== undefined) {
      refuseDeleted(claim);
      return name;
    }
    if (pipeline !== undefined) await this.refuseFormer(claim, pipeline);
    refuseOthers(claim, stage, pipeline);
    await this.makeAnew(claim, volumeClaim(pipeline ?? stage));
    await this.growTo(storage.size, claim);
    return name;
  }

  /** It goes with a pipeline of this name that is gone. */
  private async refuseFormer(claim: Stored<VolumeClaim>, { metadata }: R1Pipeline): Promise<void> {
    const { name, uid = '' } = metadata;
    const former = claim.metadata.ownerReferences?.find(({ kind }) => kind === 'R1Pipeline');
    if (former === undefined || former.name !== name || former.uid === uid) return;
    await refuseFormer(this.client, volumeClaims, claim, { owners: pipelines, owner: { name, uid } });
  }

  /**
   * A claim that was made for the pipeline gets the size that is asked for by now; none becomes smaller.
   *
   * @throws RefusedError when it cannot grow
   */
  async grow({ metadata, spec }: R1Pipeline): Promise<void> {
    if (spec.storage.claimName !== undefined) return;
    const name = { namespace: metadata.namespace, name: claimName(metadata.name) };
    this.forget(name); // it may have been bound since
    const claim = await this.find(name);
    if (claim === undefined || wasNeverBound(claim)) return;
    if (claim.metadata.labels?.[labels.pipeline] === metadata.name) await this.growTo(spec.storage.size, claim);
  }

  /** Something was heard of a claim by which it is another than was seen. */
  forget({ namespace = '', name }: ObjectName): void {
    this.seen.delete(keyOf({ metadata: { namespace, name } }));
  }

  /**
   * A claim takes no other storage class, and no other size before it is bound. One that was bound is never deleted here.
   *
   * @throws RefusedError while the former one goes
   */
  private async makeAnew(claim: Stored<VolumeClaim>, wanted: VolumeClaim): Promise<void> {
    if (!wasNeverBound(claim) || !isOutdated(claim, wanted)) return;
    const { metadata } = claim;
    this.forget(metadata);
    const { uid, resourceVersion } = metadata;
    await this.client.delete(volumeClaims, metadata, uid, { resourceVersion }).catch(ignoreNotFound);
    const message = `claim "${metadata.name}", which was never bound, is made anew with other settings`;
    throw new RefusedError(message, retryCollectedMs, { passes: true });
  }

  /**
   * Lets the claim that was made for a pipeline stay when the pipeline is deleted, or has it go with it.
   *
   * @returns the claim as it is by now; undefined where none was made for the pipeline
   * @throws RefusedError when that is not possible
   */
  async retain(pipeline: Stored<R1Pipeline>, retain: boolean): Promise<Stored<VolumeClaim> | undefined> {
    const { metadata } = pipeline;
    const claim = await this.client.find(volumeClaims, { ...metadata, name: claimName(metadata.name) });
    if (claim === undefined || !isMadeFor(claim, metadata)) return undefined;
    if (goesWith(claim, metadata) !== retain) return claim;
    if (!retain && !(await isAsSeen(this.client, pipeline))) return claim;
    const { resourceVersion, ownerReferences = [] } = claim.metadata;
    const others = ownerReferences.filter(({ uid }) => uid !== metadata.uid);
    const patch = {
      metadata: { resourceVersion, ownerReferences: retain ? others : [...others, ...ownedBy(pipeline)] },
    };
    try {
      const patched = await this.client.mergePatch(volumeClaims, claim.metadata, patch);
      this.remember(patched);
      return patched;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const wish = retain ? 'stay when the pipeline is deleted' : 'go with the pipeline';
      const message = `claim "${claim.metadata.name}" cannot be made to ${wish}: ${(error as Error).message}`;
      throw new RefusedError(message, retryMs);
    }
  }

  private async growTo(size: string | number, claim: Stored<VolumeClaim>): Promise<void> {
    const has = claim.spec?.resources?.requests?.['storage'];
    if (has === undefined || !(amountOf(size) > amountOf(has))) return;
    const patch = { spec: { resources: { requests: { storage: String(size) } } } };
    try {
      this.remember(await this.client.mergePatch(volumeClaims, claim.metadata, patch));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const wish = `claim "${claim.metadata.name}" of ${has} cannot grow to the ${size} of spec.storage.size`;
      throw new RefusedError(`${wish}: ${(error as Error).message}; restore the size, or use another claim`, retryMs);
    }
  }

  /** Whether one is there already is asked by making it: for most pipelines it is not. */
  private async create(stage: R1Stage, pipeline: R1Pipeline | undefined): Promise<void> {
    const claim = volumeClaim(pipeline ?? stage);
    try {
      this.remember(await this.client.create(volumeClaims, claim));
    } catch (error) {
      if (!isAlreadyExists(error)) refuse(error);
      // It may be one that is being deleted, with a former pipeline of that name or by a person.
      this.forget({ namespace: stage.metadata.namespace, name: claimName(stage.spec.pipeline) });
    }
  }

  private known({ namespace = '', name }: ObjectName): Stored<VolumeClaim> | undefined {
    const found = this.seen.get(keyOf({ metadata: { namespace, name } }));
    return found !== undefined && performance.now() - found.at < trustMs ? found.claim : undefined;
  }

  private async find(name: ObjectName): Promise<Stored<VolumeClaim> | undefined> {
    const known = this.known(name);
    if (known !== undefined) return known;
    const claim = await this.client.find(volumeClaims, name);
    if (claim !== undefined && claim.metadata.deletionTimestamp === undefined) this.remember(claim);
    return claim;
  }

  private remember(claim: Stored<VolumeClaim>): void {
    const key = keyOf(claim);
    this.seen.delete(key);
    this.seen.set(key, { claim, at: performance.now() });
    const [oldest] = this.seen.keys();
    if (this.seen.size > rememberedMost && oldest !== undefined) this.seen.delete(oldest);
  }
}

/** A claim that was made anew would be empty: what earlier stages wrote is not on it. */
function missing(name: string, { spec }: R1Stage, lost: readonly string[]): string {
  if (spec.storage.claimName !== undefined) return `claim "${name}" of spec.storage.claimName not found`;
  return `claim "${name}" not found, and with it the output of ${lost.join(', ')}: run again from ${lost[0]} on`;
}

/**
 * A claim whose owner is gone goes at once: of the end of a pipeline its stages may tell before it does. And what leads by now may have
 * said that the claim stays.
 */
async function isAsSeen(client: KubeClient, { metadata }: Stored<R1Pipeline>): Promise<boolean> {
  const now = await client.find(pipelines, metadata);
  return now?.metadata.uid === metadata.uid && now.metadata.resourceVersion === metadata.resourceVersion;
}

/** It may be gone in a moment, or held for long by the pod of somebody else. */
function refuseDeleted({ metadata: { name, deletionTimestamp } }: Stored<VolumeClaim>): void {
  if (deletionTimestamp !== undefined) throw new RefusedError(`claim "${name}" is being deleted`, retryCollectedMs);
}

function refuseOthers(claim: Stored<VolumeClaim>, stage: R1Stage, pipeline: R1Pipeline | undefined): void {
  const { name, ownerReferences } = claim.metadata;
  refuseDeleted(claim);
  const ours = [pipeline?.metadata.uid, stage.metadata.uid];
  const other = ownerReferences?.find(({ kind, uid }) => kind.startsWith('R1') && !ours.includes(uid));
  if (other !== undefined) {
    const message = `claim "${name}" belongs to ${other.kind} ${other.name} and is deleted with it: name it in spec.storage.claimName if it is to be used all the same`;
    throw new RefusedError(message, retryMs);
  }
  if (claim.metadata.labels?.[labels.pipeline] === stage.spec.pipeline) return;
  const message = `a claim named "${name}" exists that was not made for pipeline ${stage.spec.pipeline}`;
  throw new RefusedError(message, retryMs);
}
