import type { ComplexityErrorKind, ComplexityResult } from '@pothos/plugin-complexity';
import { parse } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { RequestError } from '../errors.ts';

/** Several times what GraphiQL's introspection needs; nested this deep, the parser's stack still holds. */
const maxTokens = 2_000;

/** Refuses documents that are made to be expensive before they are even read. */
export const useTokenLimit: Plugin = {
  onParse({ setParseFn }) {
    setParseFn((source: string, options?: object) => parse(source, { ...options, maxTokens }));
  },
};

/**
 * The largest operation that is executed. A user has sessions which have a user: without a limit, a short document
 * asks for millions of objects. Complexity counts a field as one, and what is below a list as ten of it.
 */
export const largestOperation: ComplexityResult = { complexity: 3_000, depth: 10, breadth: 300 };

/** The complexity of a field that checks a password: one of them is as much as an operation may ask for. */
export const passwordCheck = 2_000;

/** The refusal of an operation that is larger than `largestOperation`. Nothing of it is executed. */
export function tooLarge(kind: ComplexityErrorKind, result: ComplexityResult): RequestError {
  const measure = kind.toLowerCase() as keyof ComplexityResult;
  const message = `The ${measure} of this operation is ${result[measure]}, and may be ${largestOperation[measure]}.`;
  return new RequestError('BAD_USER_INPUT', `${message} Ask for less at once.`);
}

/** The complexity of a connection: what is asked for of each, times how many are asked for. */
export function pageComplexity({
  first,
  last,
}: {
  first?: number | null | undefined;
  last?: number | null | undefined;
}) {
  return { field: 1, multiplier: Math.min(100, Math.max(first ?? last ?? 20, 1)) };
}
