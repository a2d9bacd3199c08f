/** Returns the path of a request target, parsed by the URL Standard. */
export function pathOf(target: string): string {
  return new URL(`http://localhost${target}`).pathname;
}
