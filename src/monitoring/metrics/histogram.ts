import type { Metric } from '@prometheus-io/client';
import type { Registers } from './series.ts';

type Options = {
  name: string;
  help: string;
  /** Up to three. */
  labelNames: readonly string[];
  /** The upper bounds, in ascending order. */
  buckets: readonly number[];
  registers: Registers;
};

/** One series: the values of its labels, and its counts by bucket, the last one without a bound. */
type Series = { one: string; two: string; three: string; counts: number[]; sum: number };

/**
 * A histogram for what happens in each request. That of the library makes a text of the labels for each observation,
 * and looks buckets up by the text of their bound. This one compares labels, and makes texts when it is scraped.
 */
export class RequestHistogram {
  readonly name: string;
  readonly help: string;
  readonly type = 'histogram';
  readonly #labelNames: readonly string[];
  readonly #buckets: readonly number[];
  readonly #series: Series[] = [];

  constructor({ name, help, labelNames, buckets, registers }: Options) {
    this.name = name;
    this.help = help;
    this.#labelNames = labelNames;
    this.#buckets = buckets;
    // A registry uses `get` and the three properties of a metric, and nothing of its class.
    for (const registry of registers) registry.registerMetric(this as unknown as Metric);
  }

  /** Counts a value. There must be few combinations of labels: they are searched one after the other. */
  observe(value: number, one: string, two = '', three = ''): void {
    const series = this.#find(one, two, three);
    series.sum += value;
    let bucket = 0;
    while (bucket < this.#buckets.length && value > (this.#buckets[bucket] ?? 0)) bucket += 1;
    series.counts[bucket] = (series.counts[bucket] ?? 0) + 1;
  }

  #find(one: string, two: string, three: string): Series {
    for (const series of this.#series) {
      if (series.one === one && series.two === two && series.three === three) return series;
    }
    const series = { one, two, three, counts: new Array<number>(this.#buckets.length + 1).fill(0), sum: 0 };
    this.#series.push(series);
    return series;
  }

  /** Returns the series in the form of the library. */
  async get() {
    const { name, help, type } = this;
    return { name, help, type, aggregator: 'sum', values: this.#series.flatMap((series) => this.#valuesOf(series)) };
  }

  #valuesOf({ one, two, three, counts, sum }: Series) {
    const labels = Object.fromEntries(this.#labelNames.map((label, index) => [label, [one, two, three][index] ?? '']));
    let count = 0;
    const buckets = counts.map((own, index) => {
      count += own;
      const le = this.#buckets[index] ?? '+Inf';
      return { metricName: `${this.name}_bucket`, labels: { le, ...labels }, value: count };
    });
    return [
      ...buckets,
      { metricName: `${this.name}_sum`, labels, value: sum },
      { metricName: `${this.name}_count`, labels, value: count },
    ];
  }
}
