import { levelOf } from '../../../sessions/assurance/level.ts';
import { type AuthenticationMethod as Method, type MethodProof, proofsOf } from '../../../sessions/proof.ts';
import { builder } from '../../builder.ts';
import { Session } from './session.ts';

/** The methods, with their descriptions in the schema. */
const methods: Record<Method, string> = {
  password: 'The password.',
  email: 'A link or a code that was mailed to the address of the user. It is no second factor.',
  totp: 'A code of an authenticator app (RFC 6238).',
  passkey: 'A passkey whose device verified the user, by a PIN or a fingerprint: two factors in one.',
  security_key: 'A passkey whose device did not verify the user.',
  recovery_code: 'A recovery code, instead of a lost factor.',
  trusted_device: 'Nothing was proved: the user had told this device to ask for no second factor.',
};

export const AuthenticationMethod = builder.enumType('AuthenticationMethod', {
  description: 'A method by which users prove who they are. More may be added.',
  values: Object.fromEntries(
    Object.entries(methods).map(([value, description]) => [value.toUpperCase(), { value, description }]),
  ) as Record<Uppercase<Method>, { value: Method; description: string }>,
});

const SessionProof = builder.objectRef<MethodProof>('SessionProof').implement({
  access: 'parent',
  description: 'The last proof of the identity by one method, in a session.',
  fields: (t) => ({
    method: t.expose('method', { type: AuthenticationMethod, description: 'How the user proved the identity.' }),
    at: t.expose('at', { type: 'DateTime', description: 'When the user did.' }),
  }),
});

builder.prismaObjectFields(Session, (t) => ({
  proofs: t.field({
    type: [SessionProof],
    // A column of the session has all of them: at most one for each method.
    complexity: { field: 1, multiplier: 1 },
    description:
      'How and when the user proved the identity in this session: the last proof by each method. Empty if that is ' +
      'unknown, and for anonymous sessions.',
    resolve: (session) => proofsOf(session),
  }),
  assuranceLevel: t.int({
    nullable: true,
    description:
      'The level that all proofs of this session reach together, whatever their age (NIST SP 800-63B-4): 1 for one ' +
      'factor, 2 for two different ones. Null if no proof is known, and for anonymous sessions.',
    resolve: (session) => levelOf(proofsOf(session).map(({ method }) => method)),
  }),
}));
