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

type Size = ComplexityResult;

/**
 * The largest operations that are executed. A user has sessions which have a user: without a limit, a short document
 * asks for millions of objects. Complexity counts a field as one, and what is below a list as many times as the list
 * may be long. Administrators list what belongs to others.
 */
const largest = {
  anybodys: { complexity: 3_000, depth: 10, breadth: 300 },
  administrators: { complexity: 30_000, depth: 10, breadth: 300 },
} satisfies Record<string, Size>;

function largestOperation({ caller }: Context): Size {
  return caller.scope.isAdmin ? largest.administrators : largest.anybodys;
}

/**
 * Returns the complexity of a mutation that does not say otherwise: an operation has at most ten of them. Each is a
 * transaction at least, and some send mail, so that aliases would multiply them (OWASP GraphQL Cheat Sheet, batching).
 */
export function mutationCost(_args: object, context: Context): number {
  return largestOperation(context).complexity / 10;
}

/** Returns the complexity of a field of which an operation has at most one, whichever it is. */
function oncePerOperation(_args: object, context: Context): number {
  return (largestOperation(context).complexity * 2) / 3;
}

/** The complexity of a field that checks a password. */
export const passwordCheck = oncePerOperation;

/** The complexity of a field that may start a session: each is a row that is kept for weeks. */
export const sessionStart = oncePerOperation;

/** Refuses operations that are too large, before anything of them is executed. */
export function useComplexityLimit(): Plugin<Context> {
  const known = new WeakMap<OperationDefinitionNode, Map<Size, Size>>();

  /** Without variables, an operation is as large every time. */
  function sizeOf(operation: OperationDefinitionNode, limit: Size, measure: () => Size): Size {
    if (operation.variableDefinitions?.length) return measure();
    const sizes = known.get(operation) ?? new Map<Size, Size>();
    known.set(operation, sizes);
    const size = sizes.get(limit) ?? measure();
    sizes.set(limit, size);
    return size;
  }

  return {
    onExecute({ args, setResultAndStopExecution }) {
      const { schema, contextValue, operationName, variableValues } = args;
      const document: DocumentNode = args.document;
      const operation = getOperationAST(document, operationName);
      // Which operation is meant is for the execution to say.
      if (!operation) return;
      const limit = largestOperation(contextValue);
      let size: Size;
      try {
        size = sizeOf(operation, limit, () => {
          const single = { ...document, definitions: [operation, ...document.definitions.filter(isFragment)] };
          return complexityFromQuery(single, { schema, ctx: contextValue, variables: variableValues ?? {} });
        });
      } catch (error) {
        // Variables that are not what the operation declares.
        return setResultAndStopExecution({ errors: [error as GraphQLError] });
      }
      const measure = (['depth', 'breadth', 'complexity'] as const).find((name) => size[name] > limit[name]);
      if (measure) setResultAndStopExecution({ errors: [tooLarge(measure, size, limit)] });
    },
  };
}

function isFragment({ kind }: DefinitionNode): boolean {
  return kind === Kind.FRAGMENT_DEFINITION;
}

function tooLarge(measure: keyof Size, size: Size, limit: Size): GraphQLError {
  const message = `The ${measure} of this operation is ${size[measure]}, and may be ${limit[measure]}.`;
  const code = 'BAD_USER_INPUT' satisfies RequestErrorCode;
  const http = { status: 400, spec: true };
  return new GraphQLError(`${message} Ask for less at once.`, { extensions: { code, http } });
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

/** The complexity of the list that a connection holds, whose length the connection has reckoned with. */
export const withinPage = { field: 1, multiplier: 1 };
