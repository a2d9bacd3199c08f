import { GraphQLError, getOperationAST } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { RequestErrorCode } from '../../errors.ts';
import type { Context } from '../context.ts';

/** Refuses, before anything is executed, mutations that came with a session's cookie but not from its client. */
export const useAntiCSRF: Plugin<Context> = {
  onExecute({ args, setResultAndStopExecution }) {
    if (getOperationAST(args.document, args.operationName)?.operation !== 'mutation') return;
    if (args.contextValue.caller.isCsrfVerified) return;
    const error = new GraphQLError(
      'The anti-csrf header does not hold the anti-CSRF token of this session. ' +
        'Ask for it again with { currentSession { antiCSRFToken } }.',
      { extensions: { code: 'CSRF_TOKEN_INVALID' satisfies RequestErrorCode, http: { status: 403 } } },
    );
    setResultAndStopExecution({ errors: [error] });
  },
};
