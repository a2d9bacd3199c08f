import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { TracesPolicy } from '../../config/monitoring/traces.ts';

export type Transport = {
  /** Sends spans. Returns the reason why they are lost, or null. Never rejects. */
  send(spans: ReadableSpan[]): Promise<string | null>;
  /** Ends the post in progress. Further ones fail at once. */
  stop(): void;
};

const formats = {
  'http/protobuf': { serializer: ProtobufTraceSerializer, type: 'application/x-protobuf' },
  'http/json': { serializer: JsonTraceSerializer, type: 'application/json' },
};

const firstPauseMs = 1_000;

/** The answers after which a client may try again (OTLP 1.x, Retryable Response Codes). */
const temporary = new Set([429, 502, 503, 504]);

const compress = promisify(gzip);

/** A failed post. */
type Failure = { reason: string; isTemporary: boolean };

/**
 * Returns the way to a receiver over HTTP. The exporter of OpenTelemetry reads the environment by itself, and the time
 * of its posts has no limit that holds for a receiver that sends a byte now and then.
 */
export function openTransport({ url, headers, protocol, timeoutMs, isCompressed }: TracesPolicy): Transport {
  const { serializer, type } = formats[protocol];
  const stopping = new AbortController();
  const allHeaders = { ...headers, 'content-type': type, ...(isCompressed && { 'content-encoding': 'gzip' }) };

  async function post(body: Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<Failure | null> {
    try {
      // A redirect would take the headers, which may be secret, to another server.
      const options = { method: 'POST', headers: allHeaders, body, signal, redirect: 'manual' } as const;
      const response = await fetch(url, options);
      await response.body?.cancel();
      if (response.ok) return null;
      return { reason: `it answered ${response.status}`, isTemporary: temporary.has(response.status) };
    } catch (error) {
      return { reason: reasonOf(error), isTemporary: true };
    }
  }

  async function send(bytes: Uint8Array, signal: AbortSignal): Promise<string | null> {
    // Neither the serializers nor zlib return bytes that threads share.
    const body = (isCompressed ? await compress(bytes) : bytes) as Uint8Array<ArrayBuffer>;
    for (let pauseMs = firstPauseMs; ; pauseMs *= 2) {
      const failure = await post(body, signal);
      if (failure === null) return null;
      const mayRepeat = failure.isTemporary && !signal.aborted;
      if (mayRepeat) await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => {});
      if (!mayRepeat || signal.aborted) return failure.reason;
    }
  }

  return {
    async send(spans) {
      const ending = new AbortController();
      const end = () => ending.abort();
      if (stopping.signal.aborted) end();
      const timer = setTimeout(end, timeoutMs);
      stopping.signal.addEventListener('abort', end);
      try {
        return await send(serializer.serializeRequest(spans) ?? new Uint8Array(), ending.signal);
      } catch (error) {
        return reasonOf(error);
      } finally {
        clearTimeout(timer);
        stopping.signal.removeEventListener('abort', end);
      }
    },
    stop: () => stopping.abort(),
  };
}

/** Returns the code of an error only, because the words of others may repeat a header. */
function reasonOf(error: unknown): string {
  const { name, cause } = error as { name?: string; cause?: { code?: string; name?: string } };
  if (name === 'AbortError') return 'it did not answer in time';
  return cause?.code ?? cause?.name ?? name ?? 'unknown';
}
