/** Returns a value as JSON, with ids as `1n`: `JSON.stringify` alone refuses them. */
export function textOf(value: unknown): string {
  return JSON.stringify(value, (_key, part) => (typeof part === 'bigint' ? `${part}n` : part));
}
