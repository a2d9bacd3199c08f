import { collectDefaultMetrics, Gauge, type PrometheusContentType, Registry } from '@prometheus-io/client';
import packageJson from '../../../package.json' with { type: 'json' };
import type { MetricsPolicy } from '../../config/monitoring/metrics.ts';
import type { Clock } from '../../database/clock.ts';
import type { Database } from '../../database/database.ts';
import { endAll } from '../../diagnostics.ts';
import type { Observer } from '../../http/messages.ts';
import { countAccounts } from './account-series.ts';
import { countBackground } from './background-series.ts';
import { addDatabaseSeries, measureStatements } from './database-series.ts';
import { countStreams } from './live/stream-series.ts';
import { countRequests } from './request-series.ts';
import { fullName, type Registers } from './series.ts';
import { serveMetrics } from './server.ts';

export type Metrics = {
  observe: Observer;
  /** Serves the metrics on their own port. Rejects if it is not available. */
  listen(): Promise<void>;
  stop(): Promise<void>;
};

/** Opens the metrics of a server. Load this module only if metrics are on. */
export function openMetrics(policy: MetricsPolicy, database: Database, clock: Clock): Metrics {
  const registry = new Registry<PrometheusContentType>();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  addBuildSeries(registers);
  addDatabaseSeries(registers, database, clock);
  const end = endAll([
    countAccounts(registers),
    countBackground(registers),
    countStreams(registers),
    measureStatements(registers),
  ]);
  let stopServing: (() => Promise<void>) | null = null;
  return {
    observe: countRequests(registers),
    async listen() {
      stopServing = await serveMetrics(policy, registry);
    },
    async stop() {
      end();
      await stopServing?.();
    },
  };
}

/** Adds a series whose labels are the versions of this server and of Node.js. */
function addBuildSeries(registers: Registers): void {
  const build = new Gauge({
    name: fullName('build_info'),
    help: 'The versions of this server and of Node.js. Its value is 1.',
    labelNames: ['version', 'node'] as const,
    registers,
  });
  build.set({ version: packageJson.version, node: process.versions.node }, 1);
}
