import type { ControlPlane } from '../support/control-plane.ts';

/** A volume that is a directory which all nodes of the cluster have, and the class by which a claim gets it. */
export async function localVolume(cluster: ControlPlane, name: string, path: string): Promise<void> {
  const nodes = (await cluster.kubectl('get', 'nodes', '-o=jsonpath={.items[*].metadata.name}')).split(' ');
  await cluster.apply([
    {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name },
      provisioner: 'kubernetes.io/no-provisioner',
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name },
      spec: {
        storageClassName: name,
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        persistentVolumeReclaimPolicy: 'Retain',
        local: { path },
        nodeAffinity: {
          required: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: nodes }] },
            ],
          },
        },
      },
    },
  ]);
}
