/** Searches for documents that are expensive before their execution, beyond the kinds that people thought of. */
import { getIntrospectionQuery, Lexer, parse, Source, TokenKind, validate } from 'graphql';
import {
  introspectionCost,
  requireModestDocument,
  requireShortNames,
} from '../../src/graphql/documents/document-limits.ts';
import { listLengthsOf } from '../../src/graphql/documents/introspection.ts';
import { schema } from '../../src/graphql/schema.ts';
import { expensiveDocuments } from './documents.ts';
import { operationOf } from './generated-operations.ts';
import { type Random, randomFrom } from './random.ts';

const maxTokens = 2_000;
const maxCharacters = 64_000;

export const listLengths = listLengthsOf(schema);
export const everything = getIntrospectionQuery({ inputValueDeprecation: true, schemaDescription: true, oneOf: true });
export const standardCost = introspectionCost(parse(everything), listLengths);

/** Does what a server does with a document that it sees for the first time. */
export function prepare(document: string): void {
  try {
    const parsed = parse(document, { noLocation: true, maxTokens });
    requireShortNames(document, parsed);
    requireModestDocument(parsed, listLengths, standardCost);
    validate(schema, parsed, undefined, { maxErrors: 10, hideSuggestions: true });
  } catch {
    // A refusal has a cost too.
  }
}

/** Returns the minimum of several times, in ms: the time of the work itself, without other load of the machine. */
export function minTime(document: string, runs = 7): number {
  const times = Array.from({ length: runs }, () => {
    const began = performance.now();
    prepare(document);
    return performance.now() - began;
  });
  return Math.min(...times);
}

/** Returns a document of the maximum size without expensive parts. */
export function harmlessDocument(): string {
  return `{viewer{${Array.from({ length: 280 }, (_, n) => `a${n}:id b${n}:name`).join(' ')}}}`;
}

type Candidate = { document: string; ms: number };

/** The number of the most expensive documents that get descendants. */
const parents = 24;

/**
 * Changes the most expensive documents at random, keeps those that cost more, and continues from them. Returns the most
 * expensive ones.
 */
export function searchExpensiveDocument(seed: number, candidates: number): Candidate {
  const random = randomFrom(seed);
  const generated = Array.from({ length: parents }, () => operationOf(random));
  let best = [...Object.values(expensiveDocuments), ...generated].map(measured).sort(byCost).slice(0, parents);
  for (let tried = 0; tried < candidates; tried += parents) {
    const changed = best.map(({ document }) => measured(changedDocument(document, random.pick(best).document, random)));
    best = [...best, ...changed].sort(byCost).slice(0, parents);
  }
  // A pause of the machine may have made one of them look expensive.
  const [most] = best.map(({ document }) => ({ document, ms: minTime(document) })).sort(byCost);
  return most as Candidate;
}

function measured(document: string): Candidate {
  return { document, ms: minTime(document, 2) };
}

function byCost(one: Candidate, other: Candidate): number {
  return other.ms - one.ms;
}

/** Returns a document with a few changes: pieces that are repeated, taken from another document, or renamed. */
function changedDocument(document: string, other: string, random: Random): string {
  let tokens = tokensOf(document);
  for (let changes = 1 + random.below(4); changes > 0; changes -= 1) tokens = changedTokens(tokens, other, random);
  const text = tokens.slice(0, maxTokens - 1).join(' ');
  return text.length > maxCharacters ? document : text;
}

function changedTokens(tokens: string[], other: string, random: Random): string[] {
  const at = random.below(tokens.length + 1);
  const length = 1 + random.below(random.pick([2, 6, 30, 200]));
  const piece = tokens.slice(at, at + length);
  const [before, after] = [tokens.slice(0, at), tokens.slice(at + length)];
  switch (random.below(5)) {
    case 0:
      return [...before, ...repeated(piece, 1 + random.below(60)), ...after];
    case 1:
      return [...before, ...after];
    case 2: {
      const others = tokensOf(other);
      const start = random.below(others.length);
      return [...before, ...others.slice(start, start + length), ...piece, ...after];
    }
    case 3: {
      const name = random.pick(tokens);
      return [...before, ...piece.map((token) => (/^\w+$/.test(token) && random.onceIn(3) ? name : token)), ...after];
    }
    default:
      return closed([...before, ...piece]);
  }
}

function repeated(piece: string[], times: number): string[] {
  return Array.from({ length: Math.min(times, Math.ceil(maxTokens / Math.max(1, piece.length))) }, () => piece).flat();
}

/** Adds the brackets that are missing at the end. */
function closed(tokens: string[]): string[] {
  const open: string[] = [];
  const ends: Record<string, string> = { '{': '}', '(': ')', '[': ']' };
  for (const token of tokens) {
    if (ends[token]) open.push(ends[token]);
    else if (token === open.at(-1)) open.pop();
  }
  return [...tokens, ...open.reverse()];
}

/** Returns the texts of a document's tokens, as far as they can be read. */
function tokensOf(document: string): string[] {
  const source = new Source(document);
  const lexer = new Lexer(source);
  const texts: string[] = [];
  try {
    while (texts.length < maxTokens && lexer.advance().kind !== TokenKind.EOF) {
      texts.push(document.slice(lexer.token.start, lexer.token.end));
    }
  } catch {
    // The rest is not GraphQL.
  }
  return texts;
}
