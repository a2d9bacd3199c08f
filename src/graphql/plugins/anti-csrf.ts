import { GraphQLError, getOperationAST } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { RequestErrorCode } from '../../errors.ts';
import type { Context } from '../context.ts';

/** Refuses mutations with a session cookie that its client did not send, before anything is executed. */
export const useAntiCSRF: Plugin<Context> = {
  onExecute({ args, setResultAndStopExecution }) {
    if (getOperationAST(args.document, args.operationName)?.operation !== 'mutation') return;
    if (args.contextValue.caller.isCsrfVerified) return;
    const error = new GraphQLError(
      'The anti-csrf header does not contain the anti-CSRF token of this session. ' +
        'Query it again with { currentSession { antiCSRFToken } }.',
      { extensions: { code: 'CSRF_TOKEN_INVALID' satisfies RequestErrorCode, http: { status: 403 } } },
    );
    setResultAndStopExecution({ errors: [error] });
  },
};
