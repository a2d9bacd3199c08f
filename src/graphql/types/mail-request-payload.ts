import { builder } from '../builder.ts';

/** Reports a request that continues by email. */
export const MailRequestPayload = builder.objectRef<{ email: string }>('MailRequestPayload').implement({
  access: 'parent',
  description:
    'The request was accepted; the rest happens by email. The response is the same whether or not an account exists ' +
    'for this address.',
  isTypeOf: (value) => typeof value === 'object' && value !== null && 'email' in value && !('session' in value),
  fields: (t) => ({
    email: t.exposeString('email', { description: 'The email address of the request, in lower case.' }),
  }),
});
