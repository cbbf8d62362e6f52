/** A pipeline's manifest, given what stands below `spec` in YAML. */
export function manifest(spec: string, name = 'test'): string {
  const indented = spec.replaceAll(/^/gm, '  ');
  return `apiVersion: r1.dev/v1alpha1\nkind: R1Pipeline\nmetadata: {name: ${name}}\nspec:\n${indented}\n`;
}
