import { setImmediate as eventLoop } from 'node:timers/promises';
import { validate } from 'graphql';
import { OperatorError } from '../errors.ts';
import { parserFor } from '../graphql/documents/parse.ts';
import { schema } from '../graphql/schema.ts';
import type { ManifestFile } from './files.ts';
import { type ManifestEntry, readManifest } from './manifest.ts';

/** The trusted documents of one moment. A set never changes. */
export type DocumentSet = {
  /** The text of a document by its id. */
  texts: ReadonlyMap<string, string>;
  /** All texts. */
  known: ReadonlySet<string>;
};

const maxDocuments = 10_000;

/** Each one is a line for the operator. */
const maxProblems = 20;

/** A document takes up to a few milliseconds, during which the server answers nobody. */
const documentsPerTurn = 5;

/**
 * Returns the documents of manifests. Every document is valid for the schema and within the limits of all documents.
 *
 * @throws OperatorError with a line for each problem: it names the file, the id and the error.
 */
export async function loadDocuments(files: readonly ManifestFile[]): Promise<DocumentSet> {
  const problems: string[] = [];
  const places = placesOf(files, problems);
  if (places.size > maxDocuments) throw new OperatorError(`There are more than ${maxDocuments} trusted documents.`);
  const parseDocument = parserFor(schema);
  const texts = new Map<string, string>();
  for (const [id, { text, path }] of places) {
    if (texts.size % documentsPerTurn === 0) await eventLoop();
    const problem = problemOf(text, parseDocument);
    if (problem !== null) problems.push(`The document "${id}" in ${path} cannot be trusted: ${problem}`);
    texts.set(id, text);
  }
  if (texts.size === 0 && problems.length === 0) problems.push('The manifests have no document.');
  if (problems.length > 0) throw new OperatorError(summaryOf(problems));
  return { texts, known: new Set(texts.values()) };
}

/** Returns each document by its id, with the file that has it. Adds the problems of files and ids. */
function placesOf(files: readonly ManifestFile[], problems: string[]): Map<string, { text: string; path: string }> {
  const places = new Map<string, { text: string; path: string }>();
  for (const { path, content } of files) {
    for (const { id, text } of entriesOf(path, content, problems)) {
      const other = places.get(id);
      if (other && other.text !== text) {
        problems.push(`The document "${id}" in ${path} is another one than in ${other.path}.`);
      }
      places.set(id, { text, path });
    }
  }
  return places;
}

function entriesOf(path: string, content: string, problems: string[]): ManifestEntry[] {
  try {
    return readManifest(content);
  } catch (error) {
    problems.push(`The file ${path} ${(error as Error).message}.`);
    return [];
  }
}

/** Returns the first problem of a document, or null. */
function problemOf(text: string, parseDocument: ReturnType<typeof parserFor>): string | null {
  try {
    const [error] = validate(schema, parseDocument(text).document, undefined, { maxErrors: 1 });
    return error === undefined ? null : error.message;
  } catch (error) {
    return (error as Error).message;
  }
}

function summaryOf(problems: readonly string[]): string {
  const rest = problems.length - maxProblems;
  return [...problems.slice(0, maxProblems), ...(rest > 0 ? [`There are ${rest} more problems.`] : [])].join('\n');
}
