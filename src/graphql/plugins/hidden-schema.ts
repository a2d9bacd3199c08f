/** Hides the schema from everybody but administrators, whose GraphiQL needs it: `INTROSPECTION=false`. */
import { BREAK, type DocumentNode, GraphQLError, visit } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { RequestErrorCode } from '../../errors.ts';
import type { Context } from '../context.ts';
import type { BeforeExecution } from './before-execution.ts';

/** Refuses introspection. `__typename` is none. */
export function useHiddenSchema(): Plugin<Context> {
  const known = new WeakMap<DocumentNode, boolean>();

  function introspects(document: DocumentNode): boolean {
    const isIntrospection = known.get(document) ?? hasIntrospection(document);
    known.set(document, isIntrospection);
    return isIntrospection;
  }

  function refuse({ args, setResultAndStopExecution }: BeforeExecution): void {
    if (args.contextValue.caller.scope.isAdmin || !introspects(args.document)) return;
    const message =
      'This server does not answer introspection, except for administrators. Use schema.graphql of its package.';
    const code = 'INTROSPECTION_DISABLED' satisfies RequestErrorCode;
    const error = new GraphQLError(message, { extensions: { code, http: { status: 400, spec: true } } });
    setResultAndStopExecution({ errors: [error] });
  }

  // Not earlier, because the session is read after the validation of the document.
  return { onExecute: refuse, onSubscribe: refuse };
}

/** Returns whether a document selects `__schema` or `__type`, in any of its operations and fragments. */
function hasIntrospection(document: DocumentNode): boolean {
  let isFound = false;
  visit(document, {
    Field({ name }) {
      if (name.value !== '__schema' && name.value !== '__type') return undefined;
      isFound = true;
      return BREAK;
    },
  });
  return isFound;
}

const suggestion = ' Did you mean ';

/** Returns an error without the suggestion at the end of its message, for errors of functions that cannot omit it. */
export function withoutSuggestion(error: GraphQLError): GraphQLError {
  const { message, nodes, extensions } = error;
  const end = message.lastIndexOf(suggestion);
  if (end === -1 || !message.endsWith('?')) return error;
  return new GraphQLError(message.slice(0, end), { nodes: nodes ?? null, extensions });
}
