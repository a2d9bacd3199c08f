import { isObject, parseObject } from '../../../json.ts';
import { isCompressed, isJson, requireText } from '../../body.ts';
import { type Incoming, Refusal } from '../../messages.ts';

/** The maximum number of tokens that one request acknowledges or reports. An answer has far fewer. */
const maxIds = 1_000;

/** In characters. Every token id of this server is shorter. */
const maxIdLength = 200;

/** The request of a receiver (RFC 8936 section 2.2). Members of other names are ignored. */
export type PollRequest = {
  /** Null for as many as the server sends at once. */
  maxEvents: number | null;
  returnImmediately: boolean;
  ack: string[];
  /** The ids of the tokens that the receiver found to be invalid, with its error codes. */
  setErrs: Map<string, string>;
};

/** Refuses a request by its method and headers, before its sender is known. @throws Refusal */
export function requireJsonPost({ method, headers }: Incoming): void {
  if (method !== 'POST') throw new Refusal(405, `${method} is not supported. Send a POST.`, { allow: 'POST' });
  if (!isJson(headers.get('content-type')) || isCompressed(headers)) {
    throw new Refusal(415, 'Send JSON in UTF-8 as application/json, not compressed.');
  }
}

/** Reads the request of a receiver. @throws Refusal if it is not valid */
export async function readPollRequest(incoming: Incoming): Promise<PollRequest> {
  const text = await requireText(incoming);
  const members = parseObject(text);
  if (members === null) throw new Refusal(400, 'The body must be a JSON object, such as { "maxEvents": 10 }.');
  const { maxEvents = null, returnImmediately = false, ack = [], setErrs = {} } = members;
  if (maxEvents !== null && !isCount(maxEvents)) {
    throw new Refusal(400, 'The member maxEvents must be a whole number from 0 on.');
  }
  if (typeof returnImmediately !== 'boolean')
    throw new Refusal(400, 'The member returnImmediately must be true or false.');
  if (!Array.isArray(ack) || !ack.every(isId)) {
    throw new Refusal(400, `The member ack must be a list of jti, each of at most ${maxIdLength} characters.`);
  }
  const errors = isObject(setErrs) ? Object.entries(setErrs) : [];
  if (!isObject(setErrs) || !errors.every(([jti, error]) => isId(jti) && isObject(error))) {
    throw new Refusal(400, 'The member setErrs must be an object: { "<jti>": { "err": "…", "description": "…" } }.');
  }
  if (ack.length + errors.length > maxIds) {
    throw new Refusal(400, `At most ${maxIds} jti may be in ack and setErrs. Send the others in another request.`);
  }
  return { maxEvents, returnImmediately, ack, setErrs: new Map(errors.map(([jti, error]) => [jti, codeOf(error)])) };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value.length <= maxIdLength;
}

/** Returns the error code of a receiver, for the log. Another text could pretend to be a line of it. */
function codeOf(error: unknown): string {
  const code = isObject(error) ? error.err : null;
  return typeof code === 'string' && /^\w{1,50}$/.test(code) ? code : 'unknown';
}
