import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';
import type { Transport } from './transport.ts';

/** The maximum number of spans that wait for the receiver, a few megabytes. Further ones are lost. */
export const maxWaiting = 2_048;

/** The number of spans of one post. Encoding them delays requests by a few milliseconds. */
const batchSize = 512;

const intervalMs = 5_000;

/** The time for the spans that wait when the server stops, in milliseconds. */
const flushTimeoutMs = 1_000;

/**
 * Keeps ended spans until they are sent, one batch at a time. Requests never wait for it.
 *
 * The `BatchSpanProcessor` of OpenTelemetry does not tell how many spans it dropped, and has no limit on the time of
 * its end.
 */
export class ExportQueue implements SpanProcessor {
  readonly #transport: Transport;
  readonly #onLost: (count: number, reason: string) => void;
  #waiting: ReadableSpan[] = [];
  #sending: Promise<void> | null = null;
  #isStopped = false;
  readonly #timer: NodeJS.Timeout;

  constructor(transport: Transport, onLost: (count: number, reason: string) => void) {
    this.#transport = transport;
    this.#onLost = onLost;
    this.#timer = setInterval(() => this.#begin(), intervalMs);
    this.#timer.unref();
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if (this.#isStopped) return;
    if (this.#waiting.length >= maxWaiting) {
      this.#onLost(1, 'the receiver is too slow');
      return;
    }
    this.#waiting.push(span);
    if (this.#waiting.length >= batchSize) this.#begin();
  }

  async forceFlush(): Promise<void> {
    while (this.#waiting.length > 0) await this.#begin();
    await this.#sending;
  }

  async shutdown(): Promise<void> {
    clearInterval(this.#timer);
    const deadline = setTimeout(() => {
      this.#lose('the server stopped');
      this.#transport.stop();
    }, flushTimeoutMs);
    await this.forceFlush();
    clearTimeout(deadline);
    this.#isStopped = true;
  }

  /** Sends all batches that are full, and then the rest. */
  #begin(): Promise<void> {
    this.#sending ??= this.#sendBatch().finally(() => {
      this.#sending = null;
      if (this.#waiting.length >= batchSize) this.#begin();
    });
    return this.#sending;
  }

  async #sendBatch(): Promise<void> {
    const batch = this.#waiting.splice(0, batchSize);
    if (batch.length === 0) return;
    const failure = await this.#transport.send(batch);
    if (failure !== null) this.#onLost(batch.length, failure);
  }

  #lose(reason: string): void {
    const { length } = this.#waiting.splice(0);
    if (length > 0) this.#onLost(length, reason);
  }
}
