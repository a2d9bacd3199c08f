import type { ExecutionArgs, ExecutionResult } from 'graphql';
import type { Context } from '../context.ts';

/**
 * An operation before its execution. Yoga calls `onExecute` for queries and mutations, and `onSubscribe` for
 * subscriptions: a check belongs to both, or subscriptions bypass it.
 */
export type BeforeExecution = {
  args: Omit<ExecutionArgs, 'contextValue'> & { contextValue: Context };
  setResultAndStopExecution(result: ExecutionResult): void;
};
