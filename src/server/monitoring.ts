import type { Config } from '../config/config.ts';
import { OperatorError } from '../errors.ts';
import type { Metrics } from '../monitoring/metrics/metrics.ts';
import type { Traces } from '../monitoring/traces/traces.ts';
import type { Store } from './store.ts';

/** Serves the metrics, if they are on. Otherwise nothing of them is loaded. @throws OperatorError */
export async function startMetrics({ database, clock }: Store, { metrics: policy }: Config): Promise<Metrics | null> {
  if (policy === null) return null;
  const { openMetrics } = await import('../monitoring/metrics/metrics.ts');
  const metrics = openMetrics(policy, database, clock);
  try {
    await metrics.listen();
  } catch (error) {
    await metrics.stop();
    const place = `METRICS_HOST is "${policy.host}" and METRICS_PORT is "${policy.port}"`;
    throw new OperatorError(`${place}, but the server cannot listen there: ${(error as Error).message}.`);
  }
  return metrics;
}

/** Opens the traces, if they are on. Otherwise nothing of them is loaded. */
export async function startTraces(config: Config, report: (error: unknown) => void): Promise<Traces | null> {
  if (config.traces === null) return null;
  const { openTraces } = await import('../monitoring/traces/traces.ts');
  return openTraces(config.traces, config, report);
}
