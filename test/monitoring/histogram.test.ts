import { Histogram, type PrometheusContentType, Registry } from '@prometheus-io/client';
import { describe, expect, it } from 'vitest';
import { RequestHistogram } from '../../src/monitoring/metrics/histogram.ts';

describe('histogram of requests', () => {
  it('tells the same as that of the library', async () => {
    const options = { name: 'seconds', help: 'Some help.', buckets: [0.1, 1, 10], labelNames: ['route', 'type'] };
    const ours = new Registry<PrometheusContentType>();
    const theirs = new Registry<PrometheusContentType>();
    const own = new RequestHistogram({ ...options, registers: [ours] });
    const library = new Histogram({ ...options, registers: [theirs] });
    for (const value of [0, 0.1, 0.2, 1, 5, 10, 11]) {
      for (const [route, type] of [['/graphql', 'query'] as const, ['a "name"', 'none'] as const]) {
        own.observe(value, route, type);
        library.observe({ route, type }, value);
      }
    }
    const linesOf = async (registry: Registry<PrometheusContentType>) =>
      (await registry.metrics())
        .split('\n')
        .sort()
        .filter((line) => line !== '');
    expect(await linesOf(ours)).toEqual(await linesOf(theirs));
  });
});
