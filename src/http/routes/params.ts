import type { GraphQLParams } from 'graphql-yoga';
import { isObject, parseJson, parseObject } from '../../json.ts';
import { isCompressed, isJson, requireText } from '../body.ts';
import { type Incoming, Refusal } from '../messages.ts';
import { queryOf } from '../request/path.ts';

const batch =
  'Batching is not supported. Send each operation in a request of its own, and turn off batching in the client.';

/**
 * Reads the parameters of an operation: from the query string of a GET, or from the body of a POST. Yoga checks their
 * names and types.
 *
 * @throws Refusal if the body is not a JSON object, is compressed, or is too large.
 * @throws AbortedError if the request is aborted.
 */
export async function paramsOf(incoming: Incoming): Promise<GraphQLParams> {
  return incoming.method === 'GET' ? paramsOfQuery(incoming.target) : paramsOfBody(incoming);
}

function paramsOfQuery(target: string): GraphQLParams {
  const searchParams = queryOf(target);
  const params: Record<string, unknown> = {};
  for (const name of ['query', 'documentId', 'operationName', 'variables', 'extensions']) {
    const text = searchParams.get(name);
    if (!text) continue;
    const holdsJson = name === 'variables' || name === 'extensions';
    params[name] = holdsJson ? parseObject(text) : text;
    if (params[name] === null) throw new Refusal(400, `The parameter ${name} must be a JSON object.`);
  }
  return params;
}

async function paramsOfBody(incoming: Incoming): Promise<GraphQLParams> {
  const { headers } = incoming;
  if (!isJson(headers.get('content-type'))) {
    throw new Refusal(415, 'The body must be JSON in UTF-8, sent as Content-Type: application/json.');
  }
  if (isCompressed(headers)) {
    throw new Refusal(415, 'The body must not be compressed.');
  }
  const text = await requireText(incoming);
  const params = parseJson(text);
  if (Array.isArray(params)) throw new Refusal(400, batch, {}, 'BATCHING_NOT_SUPPORTED');
  if (!isObject(params))
    throw new Refusal(400, 'The body must be a JSON object: { "query": "…", "variables": { … } }.');
  return params;
}
