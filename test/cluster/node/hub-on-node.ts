/**
 * A Hub in the network of the node, where pods reach it. Whatever is asked for fails the first time: with status 503, or
 * by an answer that is cut in the middle.
 *
 *   node hub-on-node.ts HOST PORT TOKEN DIRECTORY
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HubServer } from '../../support/hub-server.ts';

const [host = '', port = '', token = '', directory = ''] = process.argv.slice(2);
const hub = await HubServer.start({ host, port: Number(port) });
hub.token = token;
for (const name of readdirSync(directory)) {
  hub.add(name, readFileSync(join(directory, name)), name.endsWith('.safetensors'));
}
const asked = new Set<string>();
hub.fault = (path) => {
  if (asked.has(path)) return undefined;
  asked.add(path);
  return path.startsWith('storage/') ? 'cut' : 503;
};
console.log('ready');
