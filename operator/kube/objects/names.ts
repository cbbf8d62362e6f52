/** The claim of a pipeline that brings none. */
export function claimName(pipeline: string): string {
  return `${pipeline}-volume`;
}
