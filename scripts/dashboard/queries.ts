/** Expressions of PromQL about the servers that are chosen in Grafana, as `$job` and `$instance`. */

/** An expression, and the legend of its series. */
export type Query = [expression: string, legend: string];

export const chosen = 'job="$job",instance=~"$instance"';

/** Returns the selector of a series of the chosen servers. */
export function of(series: string, labels = ''): string {
  return `graphql_sessions_${series}{${chosen}${labels === '' ? '' : `,${labels}`}}`;
}

/** Returns the rate of a counter per second, summed by a label. */
export function rateBy(label: string, series: string, labels = ''): string {
  return `sum by (${label}) (rate(${of(series, labels)}[$__rate_interval]))`;
}

/** Returns the rate of a counter per second, summed over everything. */
export function rate(series: string, labels = ''): string {
  return `sum(rate(${of(series, labels)}[$__rate_interval]))`;
}

/** Returns the queries for three quantiles of a histogram. */
export function quantiles(series: string, labels = ''): Query[] {
  const buckets = `sum by (le) (rate(${of(`${series}_bucket`, labels)}[$__rate_interval]))`;
  return [0.5, 0.95, 0.99].map((q) => [`histogram_quantile(${q}, ${buckets})`, `p${q * 100}`]);
}

/** Returns a value that is the same on every server of a database. */
export function shared(series: string, labels = ''): string {
  return `max(${of(series, labels)})`;
}
