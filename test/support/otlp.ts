import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { onTestFinished } from 'vitest';

export type ReceivedSpan = {
  traceId: string;
  spanId: string;
  /** Empty for the first span of a trace. */
  parentSpanId: string;
  traceState: string;
  name: string;
  /** By its number in OTLP: 1 is internal, 2 a server, 3 a client. */
  kind: number;
  /** In nanoseconds since the Unix epoch. */
  start: bigint;
  end: bigint;
  attributes: Record<string, string | number | boolean>;
  isError: boolean;
};

type Answer = (response: ServerResponse) => unknown;

export type Receiver = {
  url: string;
  spans: ReceivedSpan[];
  resource: Record<string, string | number | boolean>;
  /** Each post: its path, its headers, and its body without compression. */
  posts: { path: string; headers: IncomingHttpHeaders; body: Buffer }[];
};

/** Receives traces over OTLP, until the test ends. It answers each post with 200, or as `answer` does. */
export async function startReceiver(answer: Answer = (response) => response.end()): Promise<Receiver> {
  const receiver: Receiver = { url: '', spans: [], resource: {}, posts: [] };
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece);
    const { headers, url: path = '' } = request;
    const sent = Buffer.concat(pieces);
    const body = headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
    receiver.posts.push({ path, headers, body });
    const isJson = headers['content-type'] === 'application/json';
    const { resource, spans } = isJson ? decodeJson(body) : decodeProtobuf(body);
    receiver.resource = resource;
    receiver.spans.push(...spans);
    answer(response);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return receiver;
}

type Decoded = Pick<Receiver, 'resource' | 'spans'>;
type Attribute = [name: string, value: string | number | boolean];

function decodeJson(body: Buffer): Decoded {
  const attributes = (list: { key: string; value: object }[] = []) =>
    Object.fromEntries(list.map(({ key, value }) => [key, Object.values(value)[0]]));
  const [{ resource, scopeSpans }] = JSON.parse(body.toString()).resourceSpans;
  // biome-ignore lint/suspicious/noExplicitAny: JSON of any form
  const spans = scopeSpans.flatMap((scope: any) => scope.spans);
  return {
    resource: attributes(resource.attributes),
    // biome-ignore lint/suspicious/noExplicitAny: JSON of any form
    spans: spans.map((span: any) => ({
      ...span,
      parentSpanId: span.parentSpanId ?? '',
      traceState: span.traceState ?? '',
      start: BigInt(span.startTimeUnixNano),
      end: BigInt(span.endTimeUnixNano),
      attributes: attributes(span.attributes),
      isError: span.status.code === 2,
    })),
  };
}

/** Decodes `ExportTraceServiceRequest`. The numbers are those of the fields in opentelemetry/proto/trace/v1. */
function decodeProtobuf(body: Buffer): Decoded {
  const decoded: Decoded = { resource: {}, spans: [] };
  for (const resourceSpans of fieldsOf(body).all(1)) {
    const fields = fieldsOf(resourceSpans);
    decoded.resource = attributesOf(fieldsOf(fields.bytes(1)).all(1));
    const spans = fields.all(2).flatMap((scopeSpans) => fieldsOf(scopeSpans).all(2));
    decoded.spans.push(...spans.map(spanOf));
  }
  return decoded;
}

function spanOf(bytes: Buffer): ReceivedSpan {
  const span = fieldsOf(bytes);
  return {
    traceId: span.bytes(1).toString('hex'),
    spanId: span.bytes(2).toString('hex'),
    traceState: span.bytes(3).toString(),
    parentSpanId: span.bytes(4).toString('hex'),
    name: span.bytes(5).toString(),
    kind: Number(span.number(6)),
    start: span.number(7),
    end: span.number(8),
    attributes: attributesOf(span.all(9)),
    isError: fieldsOf(span.bytes(15)).number(3) === 2n,
  };
}

function attributesOf(pairs: Buffer[]): Record<string, string | number | boolean> {
  return Object.fromEntries(
    pairs.map((pair): Attribute => {
      const value = fieldsOf(fieldsOf(pair).bytes(2));
      const key = fieldsOf(pair).bytes(1).toString();
      if (value.has(1)) return [key, value.bytes(1).toString()];
      return [key, value.has(2) ? value.number(2) === 1n : Number(value.number(3))];
    }),
  );
}

/** Returns the fields of a message of Protocol Buffers by their numbers. A missing one is empty, or 0. */
function fieldsOf(message: Buffer) {
  const fields: { id: number; value: Buffer | bigint }[] = [];
  let at = 0;
  function varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }
  while (at < message.length) {
    const tag = Number(varint());
    const id = tag >> 3;
    const type = tag & 7;
    if (type === 0) fields.push({ id, value: varint() });
    else {
      const length = { 1: 8, 5: 4 }[type] ?? Number(varint());
      const value = message.subarray(at, at + length);
      fields.push({ id, value: type === 1 ? value.readBigUInt64LE() : value });
      at += length;
    }
  }
  const all = (id: number) =>
    fields.flatMap((field) => (field.id === id && Buffer.isBuffer(field.value) ? [field.value] : []));
  return {
    all,
    has: (id: number) => fields.some((field) => field.id === id),
    bytes: (id: number) => all(id)[0] ?? Buffer.alloc(0),
    number: (id: number): bigint => {
      const value = fields.find((field) => field.id === id)?.value ?? 0n;
      return typeof value === 'bigint' ? value : 0n;
    },
  };
}
