/** A message of a stream. `event` is empty if the message has no type. */
export type ServerSentEvent = { event: string; data: string };

/** In UTF-16 code units: the limit for a line, and for the data of a message. Longer ones break the connection. */
const maxLength = 1_024 * 1_024;

/**
 * Yields the messages of an event stream (WHATWG HTML, section 9.2.6) until it ends, and calls a function for all that
 * arrives, comments too. Holds at most one message and one part of the stream. Drops a message that the end cuts off.
 *
 * @throws Error if the stream breaks, and for a message that is too long.
 */
export async function* readServerSentEvents(
  stream: ReadableStream<Uint8Array>,
  onArrival: () => void,
): AsyncGenerator<ServerSentEvent> {
  let event = '';
  let data: string | null = null;
  for await (const line of readLines(stream, onArrival)) {
    if (line === '') {
      if (event !== '' || data !== null) yield { event, data: data ?? '' };
      event = '';
      data = null;
      continue;
    }
    const [name, value] = parseField(line);
    if (name === 'event') event = value;
    if (name === 'data') data = limited(data === null ? value : `${data}\n${value}`);
  }
}

/** Returns the name and the value of a field. A comment has an empty name. */
function parseField(line: string): [name: string, value: string] {
  const colon = line.indexOf(':');
  if (colon === -1) return [line, ''];
  const value = line.slice(colon + 1);
  return [line.slice(0, colon), value.startsWith(' ') ? value.slice(1) : value];
}

async function* readLines(stream: ReadableStream<Uint8Array>, onArrival: () => void): AsyncGenerator<string> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      onArrival();
      // A carriage return at the end may be the first half of a line break.
      const lines = (rest + decoder.decode(value, { stream: true })).split(/\r\n|\n|\r(?!$)/);
      rest = limited(lines.pop() ?? '');
      yield* lines;
    }
  } finally {
    // The reader of the messages may have left before the end.
    reader.cancel().catch(() => {});
  }
}

function limited(text: string): string {
  if (text.length <= maxLength) return text;
  throw new Error(`The server sent a message of more than ${maxLength} characters.`);
}
