/** Parses, validates and caches documents. */
import { type DocumentNode, type GraphQLSchema, parse, specifiedRules, type ValidationRule, validate } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';
import { maxTokens } from './document-limits.ts';
import { parserFor } from './parse.ts';
import { RecentDocuments } from './recent-documents.ts';
import { unconditionalSubscriptions } from './unconditional-subscriptions.ts';

/** The size of the cache. A parsed document takes about 250 bytes per token, so the cache takes at most 30 MB. */
const kept = { documents: 1_000, tokens: 100_000 };

/** Few, because each error costs a stack trace, and developers fix one at a time. */
const maxErrors = 10;

/**
 * The size up to which an invalid document is validated again, for the locations of its errors and for suggestions.
 * Both take time per error, and the more the larger the document is.
 */
const helpful = { characters: 8_000, tokens: 500, comparisons: 200 };

const noErrors: readonly never[] = [];

export type DocumentOptions = {
  /** Leaves suggestions of names out of all errors. False by default. */
  hidesSuggestions?: boolean;
  /** Returns whether the text is that of a document that is known to be valid. By default, none is. */
  isTrusted?: ((source: string) => boolean) | undefined;
};

/**
 * Parses and validates documents within limits. Caches valid documents from their second use on, because clients that
 * write values into their documents send each one only once. Caches nothing of an invalid document, because its errors
 * hold on to everything that validation compared.
 *
 * Documents are parsed without locations. So errors of execution have a path and no location. Errors of validation have
 * locations and suggestions, unless the document is large.
 */
export function useDocuments(schema: GraphQLSchema, options: DocumentOptions = {}): Plugin {
  const { hidesSuggestions = false, isTrusted = () => false } = options;
  const parseDocument = parserFor(schema);
  const cache = new LRUCache<string, DocumentNode>({
    max: kept.documents,
    maxSize: kept.tokens,
    // The text is the key, and takes memory too.
    sizeCalculation: ({ tokenCount }, source) => (tokenCount ?? maxTokens) + Math.ceil(source.length / 100),
  });
  const recent = new RecentDocuments();
  // A document is validated right after it is parsed. A WeakMap of documents would keep each through a collection.
  let latest: { document: DocumentNode; source: string; isKept: boolean; comparisons: number } | null = null;

  function parseWithinLimits(source: string): DocumentNode {
    const { document, comparisons } = parseDocument(source);
    latest = { document, source, isKept: false, comparisons };
    return document;
  }

  /** Parses and caches a trusted document, which was validated when it was loaded. Undefined for another document. */
  function parseTrusted(source: string): DocumentNode | undefined {
    if (!isTrusted(source)) return undefined;
    const { document } = parseDocument(source);
    cache.set(source, document);
    return document;
  }

  function validateWithinLimits(
    _schema: GraphQLSchema,
    document: DocumentNode,
    given: readonly ValidationRule[] = specifiedRules,
  ) {
    const rules = [...given, unconditionalSubscriptions];
    const { source = '', comparisons = 0 } = latest?.document === document ? latest : {};
    const isSmall =
      source !== '' &&
      source.length <= helpful.characters &&
      (document.tokenCount ?? maxTokens) <= helpful.tokens &&
      comparisons <= helpful.comparisons;
    const errors = validate(schema, document, rules, { maxErrors, hideSuggestions: hidesSuggestions || !isSmall });
    if (errors.length === 0 || !isSmall) return errors;
    return validate(schema, parse(source, { maxTokens }), rules, { maxErrors, hideSuggestions: hidesSuggestions });
  }

  return {
    onParse({ params, setParsedDocument, setParseFn }) {
      const source = String(params.source);
      const document = cache.get(source) ?? parseTrusted(source);
      if (!document) return setParseFn(parseWithinLimits);
      latest = { document, source, isKept: true, comparisons: 0 };
      setParsedDocument(document);
    },
    onValidate({ params, setResult, setValidationFn }) {
      const document: DocumentNode = params.documentAST;
      const known = latest?.document === document ? latest : null;
      if (known?.isKept) return setResult(noErrors);
      setValidationFn(validateWithinLimits);
      return ({ valid }) => {
        if (valid && known && recent.isSecondUse(known.source)) cache.set(known.source, document);
      };
    },
  };
}
