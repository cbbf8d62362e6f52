import type { R1Pipeline } from '../../operator/api/resources/pipeline.ts';
import { isConflict } from '../../operator/kube/client/api-error.ts';
import type { KubeClient } from '../../operator/kube/client/client.ts';
import {
  configMaps,
  type KubeObject,
  pathOf,
  type ResourceKind,
  type Stored,
} from '../../operator/kube/client/resources.ts';
import { pipelines, stages } from '../../operator/kube/objects/r1-kinds.ts';
import { UserError } from '../../trainer/contract/process/errors.ts';
import type { WrittenDocument } from '../manifest-file.ts';
import type { Cluster } from './cluster.ts';
import { carryFiles } from './local-files.ts';

export interface ApplyOptions {
  /** Takes over fields that other programs or people own. */
  readonly force: boolean;
}

/** What became of a document: the words of kubectl. */
export type Applied = 'created' | 'configured' | 'unchanged';

/**
 * Applies one document of a manifest on the server's side, as it was written, so that only its own fields are owned.
 *
 * @param files local files that the pipeline needs on the cluster, by their paths in the manifest
 */
export async function applyDocument(
  cluster: Cluster,
  document: WrittenDocument,
  files: ReadonlyMap<string, Buffer>,
  options: ApplyOptions,
): Promise<Applied> {
  const { kind, metadata } = document;
  const { namespace } = cluster;
  const { name } = metadata;
  const resource: ResourceKind<KubeObject> = kind === 'R1Pipeline' ? pipelines : stages;
  const what = `${kind.toLowerCase()} ${name}`;
  const object = { ...document, metadata: { ...metadata, namespace } };

  return cluster.ask(`apply ${what}`, async (client) => {
    const before = await client.find(resource, { namespace, name });
    if (files.size === 0) {
      return changeOf(before, await serverSideApply(client, resource, object, options));
    }
    const { configMap, volumes } = carryFiles(name, namespace, files);
    // Tried first: a pipeline should not begin whose files are refused.
    await serverSideApply(client, configMaps, configMap, { force: true, dryRun: true });
    const { spec } = object as unknown as R1Pipeline;
    const carried = { ...object, spec: { ...spec, volumes: [...(spec.volumes ?? []), ...volumes] } };
    const after = await serverSideApply(client, resource, carried, options);
    const { apiVersion } = resource;
    const ownerReferences = [{ apiVersion, kind, name, uid: after.metadata.uid }];
    const owned = { ...configMap, metadata: { ...configMap.metadata, ownerReferences } };
    await serverSideApply(client, configMaps, owned, { force: true });
    return changeOf(before, after);
  });
}

function changeOf(before: Stored<KubeObject> | undefined, after: Stored<KubeObject>): Applied {
  if (before === undefined || before.metadata.uid !== after.metadata.uid) return 'created';
  return before.metadata.resourceVersion === after.metadata.resourceVersion ? 'unchanged' : 'configured';
}

/** @throws UserError when a field belongs to somebody else and is not to be forced */
async function serverSideApply<T extends KubeObject>(
  client: KubeClient,
  kind: ResourceKind<T>,
  object: KubeObject,
  { force, dryRun = false }: ApplyOptions & { readonly dryRun?: boolean },
): Promise<Stored<T>> {
  const { namespace, name } = object.metadata ?? {};
  try {
    return await client.request<Stored<T>>({
      method: 'PATCH',
      path: pathOf(kind, namespace, name),
      query: { fieldManager: 'r1', force, ...(dryRun ? { dryRun: 'All' } : {}) },
      body: { ...object, apiVersion: kind.apiVersion, kind: kind.kind },
      contentType: 'application/apply-patch+yaml',
    });
  } catch (error) {
    if (!isConflict(error)) throw error;
    const words = (error as Error).message.replaceAll(/\s*\n\s*/g, ' ');
    throw new UserError(`${kind.kind} ${name}: ${words}; --force-conflicts takes these fields over`, { cause: error });
  }
}
