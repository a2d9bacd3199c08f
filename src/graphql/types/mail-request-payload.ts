import { builder } from '../builder.ts';

/** What was asked for goes on by mail. */
export const MailRequestPayload = builder.objectRef<{ email: string }>('MailRequestPayload').implement({
  access: 'parent',
  description:
    'It goes on by mail. Says the same whether or not the address belongs to anybody; mail is sent where it does.',
  isTypeOf: (value) => typeof value === 'object' && value !== null && 'email' in value && !('session' in value),
  fields: (t) => ({
    email: t.exposeString('email', { description: 'The address that was given, as it is written to: in lower case.' }),
  }),
});
