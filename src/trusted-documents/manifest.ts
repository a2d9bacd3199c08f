/** Reads the manifests that the tools of clients write. */
import { isObject, parseJson } from '../json.ts';

export type ManifestEntry = { id: string; text: string };

const apolloFormat = 'apollo-persisted-query-manifest';

/** In characters. The ids of all tools are hashes, of at most 128 hex digits and a prefix. */
const maxIdLength = 256;

/**
 * Returns the documents of a manifest, in one of two formats:
 *
 * - an object from ids to texts, as Relay's compiler (`persistConfig`) and the client preset of GraphQL Code Generator
 *   (`persistedDocuments`) write it;
 * - `apollo-persisted-query-manifest`, version 1, as Apollo's `generate-persisted-query-manifest` writes it.
 *
 * Ids are opaque: their hash is not checked, because every tool hashes in its own way.
 *
 * @throws Error with a message that completes "The file … ".
 */
export function readManifest(json: string): ManifestEntry[] {
  const manifest = parseJson(json);
  if (!isObject(manifest)) throw new Error('is not a JSON object');
  return manifest.format === apolloFormat ? apolloEntries(manifest) : Object.entries(manifest).map(toEntry);
}

function apolloEntries({ version, operations }: Record<string, unknown>): ManifestEntry[] {
  if (version !== 1 || !Array.isArray(operations)) {
    throw new Error(`is no ${apolloFormat} of version 1 with a list of operations`);
  }
  return operations.map((operation: unknown) => {
    if (!isObject(operation)) throw new Error('has an operation that is no object');
    return toEntry([operation.id, operation.body]);
  });
}

function toEntry([id, text]: [unknown, unknown]): ManifestEntry {
  if (typeof id !== 'string' || id === '' || id.length > maxIdLength) {
    throw new Error(`has an id that is no text of 1 to ${maxIdLength} characters`);
  }
  if (typeof text !== 'string') throw new Error(`has no text for the id "${id}"`);
  return { id, text };
}
