/** Returns the path of a request target, parsed by the URL Standard. */
export function pathOf(target: string): string {
  // Most targets are plain words, which need no parser.
  return /^\/[a-z/]*$/.test(target) ? target : new URL(`http://localhost${target}`).pathname;
}
