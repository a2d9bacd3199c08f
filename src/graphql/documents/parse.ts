import { type DocumentNode, type GraphQLSchema, getIntrospectionQuery, type ParseOptions, parse } from 'graphql';
import {
  introspectionCost,
  maxTokens,
  requireFewLines,
  requireModestDocument,
  requireShortNames,
} from './document-limits.ts';
import { listLengthsOf } from './introspection.ts';

export type ParsedDocument = {
  /** Without locations, which take more memory than the document itself. */
  document: DocumentNode;
  /** The comparisons that validation makes, at most. */
  comparisons: number;
};

/** Returns a function that parses a document within the limits of the schema. It throws a GraphQLError for others. */
export function parserFor(schema: GraphQLSchema): (source: string) => ParsedDocument {
  const lengths = listLengthsOf(schema);
  const standard = introspectionCost(parse(getIntrospectionQuery(allDetails)), lengths);
  return (source) => {
    requireFewLines(source);
    const document = parse(source, { maxTokens, noLocation: true } satisfies ParseOptions);
    requireShortNames(source, document);
    const { comparisons } = requireModestDocument(document, lengths, standard);
    return { document, comparisons };
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
