/** Formats a time for people of all countries, to the minute and in UTC, such as 2026-11-30 01:34 UTC. */
export function formatTime(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
