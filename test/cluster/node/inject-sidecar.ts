/**
 * A mutating webhook in the network of the node: it puts a container before the trainer's that runs for ever and heeds no
 * signal, as proxies do that are injected whatever a pod's annotations say.
 *
 *   node inject-sidecar.ts PORT DIRECTORY IMAGE        the directory has tls.key and tls.crt
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { json } from 'node:stream/consumers';
import { join } from 'node:path';

const [port = '', directory = '', image = ''] = process.argv.slice(2);

const sidecar = {
  name: 'proxy',
  image,
  command: ['node', '-e', "process.on('SIGTERM', () => undefined); setInterval(() => undefined, 1000)"],
  resources: { requests: { cpu: '10m', memory: '64Mi' } },
  securityContext: {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    runAsNonRoot: true,
    runAsUser: 1000,
    seccompProfile: { type: 'RuntimeDefault' },
  },
};
const patch = Buffer.from(JSON.stringify([{ op: 'add', path: '/spec/containers/0', value: sidecar }])).toString(
  'base64',
);

const [key, cert] = ['tls.key', 'tls.crt'].map((name) => readFileSync(join(directory, name)));
createServer({ key, cert }, async (request, response) => {
  const { request: review } = (await json(request)) as { readonly request: { readonly uid: string } };
  const answer = { uid: review.uid, allowed: true, patchType: 'JSONPatch', patch };
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: answer }));
}).listen(Number(port), '127.0.0.1', () => console.log('ready'));
