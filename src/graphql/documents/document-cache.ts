/** Parses, validates and caches documents. */
import {
  type DocumentNode,
  type GraphQLSchema,
  getIntrospectionQuery,
  type ParseOptions,
  parse,
  specifiedRules,
  type ValidationRule,
  validate,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';
import {
  introspectionCost,
  maxTokens,
  requireFewLines,
  requireModestDocument,
  requireShortNames,
} from './document-limits.ts';
import { listLengthsOf } from './introspection.ts';
import { RecentDocuments } from './recent-documents.ts';

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

/**
 * Parses and validates documents within limits. Caches valid documents from their second use on, because clients that
 * write values into their documents send each one only once. Caches nothing of an invalid document, because its errors
 * hold on to everything that validation compared.
 *
 * Documents are parsed without locations, which take more memory than the document itself. So errors of execution have
 * a path and no location. Errors of validation have locations and suggestions, unless the document is large.
 *
 * @param hidesSuggestions - leaves suggestions out of all errors
 */
export function useDocuments(schema: GraphQLSchema, hidesSuggestions = false): Plugin {
  const lengths = listLengthsOf(schema);
  const standard = introspectionCost(parse(getIntrospectionQuery(allDetails)), lengths);
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
    requireFewLines(source);
    const document = parse(source, { maxTokens, noLocation: true } satisfies ParseOptions);
    requireShortNames(source, document);
    const { comparisons } = requireModestDocument(document, lengths, standard);
    latest = { document, source, isKept: false, comparisons };
    return document;
  }

  function validateWithinLimits(
    _schema: GraphQLSchema,
    document: DocumentNode,
    rules: readonly ValidationRule[] = specifiedRules,
  ) {
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
      const document = cache.get(source);
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

/** The options of tools that query everything of a schema. */
const allDetails = {
  descriptions: true,
  specifiedByUrl: true,
  directiveIsRepeatable: true,
  schemaDescription: true,
  inputValueDeprecation: true,
  oneOf: true,
};
