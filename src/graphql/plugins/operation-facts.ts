import { getOperationAST } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Context } from '../context.ts';

/** Notes the type and the name of the operation. */
export const useOperationFacts: Plugin<Context> = {
  onExecute({ args }) {
    const operation = getOperationAST(args.document, args.operationName);
    if (!operation) return;
    const { facts } = args.contextValue;
    facts.operationType = operation.operation;
    facts.operationName = operation.name?.value ?? null;
  },
};
