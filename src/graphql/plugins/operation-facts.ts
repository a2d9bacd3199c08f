import { type ExecutionArgs, getOperationAST } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Context } from '../context.ts';

/** Notes the type and the name of the operation. */
export const useOperationFacts: Plugin<Context> = { onExecute: note, onSubscribe: note };

function note({ args }: { args: ExecutionArgs }): void {
  const operation = getOperationAST(args.document, args.operationName);
  if (!operation) return;
  // Yoga's types leave the context open.
  const { facts } = args.contextValue as Context;
  facts.operationType = operation.operation;
  facts.operationName = operation.name?.value ?? null;
}
