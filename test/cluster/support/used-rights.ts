import type { SeenRequest } from './seen-request.ts';

const verbs: Readonly<Record<string, string>> = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };

/** What RBAC must allow for a request, in the words of kubectl: `get pods/log`, `patch r1stages.r1.dev/status`. */
export function rightOf({ method, path, watch }: SeenRequest): string {
  const [root, ...parts] = path.split('/').slice(1);
  const group = root === 'api' ? '' : `.${parts[0]}`;
  const rest = parts.slice(root === 'api' ? 1 : 2);
  const [resource = '', name, subresource] = rest[0] === 'namespaces' ? rest.slice(2) : rest;
  const read = name === undefined ? 'list' : 'get';
  const verb = watch ? 'watch' : (verbs[method] ?? read);
  return `${verb} ${resource}${group}${subresource === undefined ? '' : `/${subresource}`}`;
}

/** The same of what `kubectl auth can-i --list --no-headers` prints, without what is about URLs. */
export function rightsIn(canIList: string): Set<string> {
  const lines = canIList.split('\n').map((line) => /^(\S+)\s.*\[([^\]]*)\]$/.exec(line));
  return new Set(lines.flatMap((found) => (found?.[2] ?? '').split(' ').map((verb) => `${verb} ${found?.[1]}`)));
}
