/**
 * Limits the work of a document before its execution: parsing, validation, introspection. The checks run between
 * parsing and validation, in linear time, for two reasons: some validation rules compare every field with every other
 * one (CVE-2023-26144), and complexity is measured only after validation.
 */
import { type DocumentNode, visit } from 'graphql';
import { type DocumentCost, DocumentMeter, maxIntrospection, tooLarge } from './document-meter.ts';
import type { ListLengths } from './introspection.ts';

/** Several times the tokens of GraphiQL's introspection. Nested this deep, they do not overflow the parser's stack. */
export const maxTokens = 2_000;

/** As many as tokens. Lines cost time too, because graphql-js counts them to find the position of each error. */
export const maxLines = maxTokens;

/**
 * In characters. A response repeats the name of a field or its alias for every object of a list, which multiplies long
 * names. The longest name of the schema has a third of this length.
 */
export const maxNameLength = 100;

const longName = new RegExp(`[_0-9A-Za-z]{${maxNameLength + 1}}`);

/** Rejects a source with too many lines. @throws GraphQLError */
export function requireFewLines(source: string): void {
  let lines = 1;
  for (let at = 0; at < source.length; at += 1) {
    const code = source.charCodeAt(at);
    // A carriage return and a line feed end one line.
    if (code === 10 || (code === 13 && source.charCodeAt(at + 1) !== 10)) lines += 1;
  }
  if (lines > maxLines) throw tooLarge(`has more than ${maxLines} lines`);
}

/**
 * Rejects a document with a name that is too long, such as an alias or the name of an operation.
 *
 * @throws GraphQLError
 */
export function requireShortNames(source: string, document: DocumentNode): void {
  // Strings and comments may be as long. So only a source with a long run of characters is searched.
  if (!longName.test(source)) return;
  visit(document, {
    Name({ value }) {
      if (value.length > maxNameLength)
        throw tooLarge(`has a name of more than ${maxNameLength} characters`, 'Shorten it.');
    },
  });
}

/**
 * Measures a document that need not be valid, and stops at the first limit that it exceeds.
 *
 * @throws GraphQLError with the code BAD_USER_INPUT.
 */
export function requireModestDocument(document: DocumentNode, lengths: ListLengths, standard: number): DocumentCost {
  const meter = new DocumentMeter(document, lengths, maxIntrospection * standard);
  return meter.measure();
}

/** Returns the cost of introspection of a document, without a limit. The limit is computed from it. */
export function introspectionCost(document: DocumentNode, lengths: ListLengths): number {
  return new DocumentMeter(document, lengths, Number.POSITIVE_INFINITY).measure().introspection;
}
