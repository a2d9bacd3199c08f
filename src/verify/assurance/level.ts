/** The factors of each method. All other methods prove none. */
const factors: ReadonlyMap<string, readonly string[]> = new Map([
  ['password', ['knowledge']],
  ['totp', ['possession']],
  ['security_key', ['possession']],
  ['recovery_code', ['possession']],
  ['passkey', ['possession', 'knowledge']],
]);

/**
 * Returns the level that methods reach together (NIST SP 800-63B-4 section 2): 1 for one factor, 2 for two different
 * ones, 0 if nothing was proved. The server computes it in the same way.
 */
export function levelOf(methods: readonly string[]): number {
  if (new Set(methods.flatMap((method) => factors.get(method) ?? [])).size === 2) return 2;
  return methods.some((method) => method !== 'trusted_device') ? 1 : 0;
}
