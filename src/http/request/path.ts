/** Returns the path of a request target, as the URL Standard reads it. */
export function pathOf(target: string): string {
  return new URL(`http://localhost${target}`).pathname;
}
