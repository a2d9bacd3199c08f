import { type Environment, integer, read, text } from '../variables.ts';

/** The address of the metrics. They have no secrets, but tell strangers how the server is used: keep it private. */
export type MetricsPolicy = { host: string; port: number };

/** Reads `METRICS_PORT` and `METRICS_HOST`. Null if there is no port: metrics are off. @throws SettingError */
export function readMetricsPolicy(environment: Environment): MetricsPolicy | null {
  const host = text(environment, 'METRICS_HOST', '127.0.0.1');
  if (read(environment, 'METRICS_PORT') === undefined) return null;
  return { host, port: integer(environment, 'METRICS_PORT', 0, { min: 1, max: 65_535 }) };
}
