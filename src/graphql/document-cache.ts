import type { DocumentNode } from 'graphql';
import type { Plugin, YogaServerOptions } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';

/** In characters. Documents that clients make up as they go push out the ones used least recently. */
const mostOfAll = 4_000_000;

function cache<Value extends object>() {
  return new LRUCache<string, Value>({ maxSize: mostOfAll, sizeCalculation: (_value, source) => source.length + 1 });
}

/**
 * What Yoga keeps of the documents it has parsed. Its own cache counts documents, however long they are, which lets
 * a client fill the memory (a gigabyte, with documents of two megabytes).
 */
export function documentCache(): YogaServerOptions<object, object>['parserAndValidationCache'] {
  return { documentCache: cache<DocumentNode>(), errorCache: cache<Error>(), validationCache: false };
}

/**
 * Validates a document once, for as long as it is in the cache of documents. Yoga's own plugin does so too, but looks
 * it up by the names of all the rules, which takes longer than the execution of a small operation.
 */
export function useValidationCache(): Plugin {
  const results = new WeakMap<DocumentNode, readonly Error[]>();
  return {
    onValidate({ params, setResult }) {
      const known = results.get(params.documentAST);
      if (known) return setResult(known);
      return ({ result }) => void results.set(params.documentAST, result);
    },
  };
}
