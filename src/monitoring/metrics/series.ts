/** Defines the series of this server. Their names begin alike. Clients choose no value of a label, so there are few. */
import { Counter, Gauge, type PrometheusContentType, type Registry } from '@prometheus-io/client';

export type Registers = Registry<PrometheusContentType>[];

type Named = { name: string; help: string };

/** Returns the name of a series with the prefix of all of them. */
export function fullName(name: string): string {
  return `graphql_sessions_${name}`;
}

/** Adds a counter. */
export function addCounter<const Label extends string = never>(
  registers: Registers,
  { name, help, labels = [] }: Named & { labels?: readonly Label[] },
): Counter<Label> {
  return new Counter({ name: fullName(name), help, labelNames: labels, registers });
}

/** Adds a series with one value, which is read when it is scraped. */
export function addGauge(registers: Registers, { name, help }: Named, read: () => number | Promise<number>): void {
  new Gauge({
    name: fullName(name),
    help,
    registers,
    async collect() {
      this.set(await read());
    },
  });
}

type Values = Iterable<readonly [string, number]>;

/** Adds a series with a value for each value of a label, which are read when they are scraped. */
export function addLabelledGauge(
  registers: Registers,
  { name, help, label }: Named & { label: string },
  read: () => Values | Promise<Values>,
): void {
  new Gauge({
    name: fullName(name),
    help,
    labelNames: [label],
    registers,
    async collect() {
      const values = await read();
      this.reset();
      for (const [value, number] of values) this.set({ [label]: value }, number);
    },
  });
}
