/** Returns whether a server answers a probe, such as `/ready`, with success. */
export function isReady(probe: string | URL, timeoutMs = 10_000): Promise<boolean> {
  return fetch(probe, { signal: AbortSignal.timeout(timeoutMs) }).then(
    ({ ok }) => ok,
    () => false,
  );
}
