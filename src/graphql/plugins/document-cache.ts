/** How documents are parsed and validated, and which of them are kept. */
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

/** A document as it is parsed takes about 250 bytes a token, so that all that are kept take at most 30 MB. */
const kept = { documents: 1_000, tokens: 100_000 };

/** A developer mends one at a time. Each costs a stack trace. */
const maxErrors = 10;

/**
 * Up to this size a document that is not valid is validated again, to say where its errors are and what was meant. Both
 * take time that grows with the document for each error.
 */
const helpful = { characters: 8_000, tokens: 500, comparisons: 200 };

const noErrors: readonly never[] = [];

/**
 * Parses and validates documents within limits, and keeps those that are valid from their second use on: clients that
 * write values into their documents send each of them once. Nothing is kept of a document that failed, since its
 * errors hold on to all that was compared.
 *
 * Documents are parsed without locations, which take more memory than the document itself; so errors of execution
 * have a path and no location. Errors of validation have locations and suggestions unless the document is large.
 */
export function useDocuments(schema: GraphQLSchema): Plugin {
  const lengths = listLengthsOf(schema);
  const standard = introspectionCost(parse(getIntrospectionQuery(allDetails)), lengths);
  const cache = new LRUCache<string, DocumentNode>({
    max: kept.documents,
    maxSize: kept.tokens,
    // The text is kept too, as the key.
    sizeCalculation: ({ tokenCount }, source) => (tokenCount ?? maxTokens) + Math.ceil(source.length / 100),
  });
  const recent = new RecentDocuments();
  // A document is validated right after it is parsed. A WeakMap of all of them would keep each through a collection.
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
    const errors = validate(schema, document, rules, { maxErrors, hideSuggestions: !isSmall });
    if (errors.length === 0 || !isSmall) return errors;
    return validate(schema, parse(source, { maxTokens }), rules, { maxErrors });
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

/** What tools ask of a schema that ask for everything. */
const allDetails = {
  descriptions: true,
  specifiedByUrl: true,
  directiveIsRepeatable: true,
  schemaDescription: true,
  inputValueDeprecation: true,
  oneOf: true,
};
