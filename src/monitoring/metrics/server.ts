import { createServer } from 'node:http';
import type { PrometheusContentType, Registry } from '@prometheus-io/client';
import type { MetricsPolicy } from '../../config/monitoring/metrics.ts';

/** A scraper has one connection, or a few. */
const maxConnections = 20;

/** In milliseconds. Node looks for late requests at an interval, of 30 s by default. */
const timeouts = {
  headersTimeout: 5_000,
  requestTimeout: 5_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
};

/** Serves `GET /metrics` in the format of Prometheus. Returns a function that ends this. */
export async function serveMetrics(
  { host, port }: MetricsPolicy,
  registry: Registry<PrometheusContentType>,
): Promise<() => Promise<void>> {
  let scrape: Promise<string> | null = null;
  /** Makes one text for all scrapes that come meanwhile. */
  const textNow = () => {
    scrape ??= registry.metrics().finally(() => {
      scrape = null;
    });
    return scrape;
  };
  const server = createServer({ ...timeouts, maxHeaderSize: 8_192 }, (request, response) => {
    request.resume();
    const isScrape = request.method === 'GET' && request.url?.split('?')[0] === '/metrics';
    if (!isScrape) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('Metrics are at /metrics.\n');
      return;
    }
    textNow().then(
      (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  server.maxConnections = maxConnections;
  server.setTimeout(10_000);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  // The process need not stay for scrapers.
  server.unref();
  return async () => {
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
    // It may be asking the database, which is closed next.
    await scrape?.catch(() => {});
  };
}
