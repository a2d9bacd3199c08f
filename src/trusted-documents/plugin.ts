import { type ExecutionArgs, getOperationAST } from 'graphql';
import type { GraphQLParams, OnParamsEventPayload, Plugin } from 'graphql-yoga';
import type { Context } from '../graphql/context.ts';
import { isObject } from '../json.ts';
import type { RequestFacts } from '../log/request-facts.ts';
import { badParameter, idRequired, textBesideId, unknownId } from './refusals.ts';
import type { TrustedDocuments } from './trusted-documents.ts';

/** The parameters as the client sent them: Yoga checks their types later. */
type Params = GraphQLParams & { documentId?: unknown };

/** Returns whether a caller may execute any document, in the mode `only` too. It precedes all work on the document. */
export type Exemption<Asker> = (asker: Asker, request: Request) => Promise<boolean>;

/**
 * Finds documents by id, as `documentId` (GraphQL over HTTP, appendix A) or as the hash of Apollo's protocol
 * (`extensions.persistedQuery`), and treats other documents as the mode says.
 *
 * `@graphql-yoga/plugin-persisted-operations` does the first part only: its decision on other documents sees no caller,
 * it knows no `report`, and it executes a text beside an id.
 *
 * @param documents - null if there are none: then every id is unknown, and every document is executed
 */
export function useTrustedDocuments<Asker extends { facts: RequestFacts }>(
  documents: TrustedDocuments | null,
  isExempt: Exemption<Asker>,
): Plugin<Context, Asker> {
  const mode = documents?.mode ?? null;
  /** The documents that came as text, if they are reported. */
  const texts = new WeakMap<RequestFacts, { text: string; isExempt: () => Promise<boolean> }>();

  function textOf(params: Params): string | null {
    const id = requestedId(params);
    if (id === null && mode === 'only') throw idRequired();
    if (id === null) return null;
    const text = documents?.textOf(id);
    if (text === undefined) throw unknownId(mode, !isGiven(params.documentId));
    return text;
  }

  async function requireExemption(asker: Asker, request: Request): Promise<void> {
    if (!(await isExempt(asker, request))) throw idRequired();
  }

  async function note({ args }: { args: ExecutionArgs }): Promise<void> {
    // Yoga's types leave the context open.
    const sent = texts.get((args.contextValue as Context).facts);
    if (documents === null || sent === undefined || (await sent.isExempt())) return;
    const name = getOperationAST(args.document, args.operationName)?.name?.value ?? null;
    documents.noteUntrusted({ name, text: sent.text, isTrusted: documents.isTrusted(sent.text) });
  }

  return {
    onParams({ params, request, context, setParams }: OnParamsEventPayload<Asker>) {
      if (!isGiven(params.query)) {
        const { documentId: _, ...others }: Params = params;
        const query = textOf(params);
        if (query !== null) setParams({ ...others, query });
        return undefined;
      }
      if (isGiven((params as Params).documentId)) throw textBesideId();
      if (mode === 'only') return requireExemption(context, request);
      if (mode === 'report') {
        texts.set(context.facts, { text: String(params.query), isExempt: () => isExempt(context, request) });
      }
      return undefined;
    },
    ...(documents?.mode === 'report' && { onExecute: note, onSubscribe: note }),
  };
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** Returns the id of the requested document. Null if there is none. @throws GraphQLError */
function requestedId({ documentId, extensions }: Params): string | null {
  if (isGiven(documentId) && typeof documentId !== 'string') throw badParameter('documentId must be a text.');
  const hash = hashOf(extensions);
  if (!isGiven(documentId)) return hash;
  if (hash !== null && hash !== documentId) throw badParameter('documentId and extensions.persistedQuery differ.');
  return String(documentId);
}

/** Returns the hash of Apollo's protocol. Null if there is none. @throws GraphQLError */
function hashOf(extensions: unknown): string | null {
  const persisted = isObject(extensions) ? extensions.persistedQuery : null;
  if (!isGiven(persisted)) return null;
  if (isObject(persisted) && persisted.version === 1 && typeof persisted.sha256Hash === 'string') {
    return persisted.sha256Hash;
  }
  throw badParameter('extensions.persistedQuery must have the version 1 and a sha256Hash.');
}
