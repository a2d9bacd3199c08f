import { type ComplexityResult, complexityFromQuery } from '@pothos/plugin-complexity';
import {
  type DefinitionNode,
  type DocumentNode,
  GraphQLError,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { RequestErrorCode } from '../../errors.ts';
import type { Context } from '../context.ts';
import type { BeforeExecution } from './before-execution.ts';
import { withoutSuggestion } from './hidden-schema.ts';

type Size = ComplexityResult;

/**
 * The largest operations that are executed. Users have sessions, and sessions have a user: without a limit, a short
 * document could select millions of objects. Complexity counts a field as one, and multiplies everything below a list
 * by the maximum length of the list. Administrators have a higher limit, because they list the objects of other users.
 */
const largest = {
  others: { complexity: 3_000, depth: 10, breadth: 300 },
  administrators: { complexity: 30_000, depth: 10, breadth: 300 },
} satisfies Record<string, Size>;

function largestOperation({ caller }: Context): Size {
  return caller.scope.isAdmin ? largest.administrators : largest.others;
}

/**
 * Returns the default complexity of a mutation, which allows ten per operation. Each is at least a transaction, and
 * some send mail, so aliases would multiply them (OWASP GraphQL Cheat Sheet, batching).
 */
export function mutationCost(_args: object, context: Context): number {
  return largestOperation(context).complexity / 10;
}

/** Returns a complexity that allows one such field per operation, whichever it is. */
function oncePerOperation(_args: object, context: Context): number {
  return (largestOperation(context).complexity * 2) / 3;
}

/** Returns the complexity of a field that checks a password. */
export const passwordCheck = oncePerOperation;

/** Returns the complexity of a field that may start a session, because its row stays for weeks. */
export const sessionStart = oncePerOperation;

/** Returns the complexity of a field with a text as large as the schema. */
export const schemaText = oncePerOperation;

/**
 * The complexity of a subscription: a third of the limit is left for its selections. Each of its messages executes them,
 * for all the streams that one event concerns.
 */
export const subscriptionComplexity = { field: 1, multiplier: 3 };

/**
 * Refuses operations that are too large, before their execution.
 *
 * @param hidesSuggestions - leaves suggestions of names out of the errors of variables
 */
export function useComplexityLimit(hidesSuggestions: boolean): Plugin<Context> {
  const known = new WeakMap<OperationDefinitionNode, Map<Size, Size>>();

  /** Returns the size of an operation, and remembers it if there are no variables, which could change it. */
  function sizeOf(operation: OperationDefinitionNode, limit: Size, measure: () => Size): Size {
    if (operation.variableDefinitions?.length) return measure();
    const sizes = known.get(operation) ?? new Map<Size, Size>();
    known.set(operation, sizes);
    const size = sizes.get(limit) ?? measure();
    sizes.set(limit, size);
    return size;
  }

  function refuse({ args, setResultAndStopExecution }: BeforeExecution): void {
    const { schema, contextValue, operationName, variableValues } = args;
    const document: DocumentNode = args.document;
    const operation = getOperationAST(document, operationName);
    // The execution reports that the operation is missing.
    if (!operation) return;
    const limit = largestOperation(contextValue);
    let size: Size;
    try {
      size = sizeOf(operation, limit, () => {
        const single = { ...document, definitions: [operation, ...document.definitions.filter(isFragment)] };
        return complexityFromQuery(single, { schema, ctx: contextValue, variables: variableValues ?? {} });
      });
    } catch (error) {
      // The variables do not match the declaration of the operation.
      const { message } = hidesSuggestions ? withoutSuggestion(error as GraphQLError) : (error as GraphQLError);
      setResultAndStopExecution({ errors: [badInput(message)] });
      return;
    }
    const measure = (['depth', 'breadth', 'complexity'] as const).find((name) => size[name] > limit[name]);
    if (measure) setResultAndStopExecution({ errors: [tooLarge(measure, size, limit)] });
  }

  return { onExecute: refuse, onSubscribe: refuse };
}

function isFragment({ kind }: DefinitionNode): boolean {
  return kind === Kind.FRAGMENT_DEFINITION;
}

function tooLarge(measure: keyof Size, size: Size, limit: Size): GraphQLError {
  const message = `The ${measure} of this operation is ${size[measure]}, and may be ${limit[measure]}.`;
  return badInput(`${message} Query less at once.`);
}

function badInput(message: string): GraphQLError {
  const code = 'BAD_USER_INPUT' satisfies RequestErrorCode;
  return new GraphQLError(message, { extensions: { code, http: { status: 400, spec: true } } });
}

/** Returns the complexity of a connection: the complexity of an item, times the number of requested items. */
export function pageComplexity({
  first,
  last,
}: {
  first?: number | null | undefined;
  last?: number | null | undefined;
}) {
  return { field: 1, multiplier: Math.min(100, Math.max(first ?? last ?? 20, 1)) };
}

/**
 * Returns the complexity of a connection of an object. A list of such objects reads a page for each of them, by a
 * statement of its own. So an operation is limited to a few hundred pages, and for administrators to a few thousand.
 */
export function nestedPageComplexity(args: Parameters<typeof pageComplexity>[0]) {
  return { ...pageComplexity(args), field: 10 };
}

/** The complexity of the list in a connection. The connection has already multiplied by its length. */
export const withinPage = { field: 1, multiplier: 1 };
