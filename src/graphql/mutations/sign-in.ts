import { login } from '../../accounts/login.ts';
import { AccountSuspendedError, InvalidCredentialsError, RateLimitedError, ValidationError } from '../../errors.ts';
import type { SessionWithUser } from '../../sessions/session.ts';
import type { StartedSession } from '../../sessions/start.ts';
import type { User as UserRow } from '../../users/user.ts';
import { builder } from '../builder.ts';
import type { Caller } from '../context.ts';
import { passwordCheck } from '../plugins/limits.ts';
import { Session } from '../types/session.ts';
import { User } from '../types/user.ts';

const Transport = builder.enumType('Transport', {
  description: 'How the token of a session travels.',
  values: {
    COOKIE: {
      description:
        'For browsers: the answer sets an HttpOnly cookie. Mutations must carry the anti-CSRF token in the ' +
        '`anti-csrf` header.',
    },
    BEARER: {
      description: 'For programs: the answer holds the token, to be sent as `Authorization: Bearer <token>`.',
    },
  } as const,
});

export type NewLogin = {
  viewer: UserRow;
  session: SessionWithUser;
  token: string | null;
  deviceToken: string | null;
};

export const SignInPayload = builder.objectRef<NewLogin>('SignInPayload').implement({
  access: 'parent',
  description: 'A new session and, once, what its client needs to use it.',
  isTypeOf: (value) => typeof value === 'object' && value !== null && 'session' in value,
  fields: (t) => ({
    viewer: t.expose('viewer', { type: User, description: 'Who is signed in now.' }),
    session: t.expose('session', { type: Session, description: 'The new session, which is now the caller’s.' }),
    token: t.exposeString('token', {
      nullable: true,
      description: 'The secret to send as a bearer token; it is never shown again. Null if it went into the cookie.',
    }),
    antiCSRFToken: t.string({
      nullable: true,
      description:
        'To be sent in the `anti-csrf` header of every mutation. Null for a bearer session, which needs none.',
      resolve: (_started, _args, { caller }) => caller.antiCSRFToken,
    }),
    deviceToken: t.exposeString('deviceToken', {
      nullable: true,
      description:
        'To be kept, also after a logout, and sent as the header `x-device-token` with every later `login`: it spares ' +
        'the device the wait that others cause who guess the password. It opens nothing. Null if the device was known ' +
        'already, or it went into a cookie.',
    }),
  }),
});

export const transportArgument = {
  type: Transport,
  required: true,
  defaultValue: 'COOKIE',
  description: 'How the token of the new session travels.',
} as const;

builder.mutationField('login', (t) =>
  t.field({
    access: 'public',
    type: SignInPayload,
    complexity: passwordCheck,
    errors: { types: [InvalidCredentialsError, AccountSuspendedError, RateLimitedError, ValidationError] },
    description:
      'Signs a user in with a new session. The session that the request came with ends; if it was anonymous, its data ' +
      'goes on in the new one. The session of the user that was used least recently ends if they have too many.',
    args: {
      email: t.arg.string({ required: true, description: 'The email address of the account. Case does not matter.' }),
      password: t.arg.string({ required: true, description: 'The password of the account.' }),
      transport: t.arg(transportArgument),
    },
    resolve: async (_root, { email, password, transport }, { caller, config, database }) => {
      const input = { email, password, transport, visitor: await caller.findVisitor() };
      return signIn(caller, await login(database, caller.scope, input, config));
    },
  }),
);

/** Makes a new session the caller's. The tokens of cookies are for the cookies only, where no script can read them. */
export function signIn(caller: Caller, started: StartedSession): NewLogin {
  const { session, token, transport, deviceToken } = started;
  caller.signIn(started);
  if (!session.user) throw new Error(`Session ${session.handle} was started for a user and has none.`);
  const tokens = transport === 'BEARER' ? { token, deviceToken } : { token: null, deviceToken: null };
  return { viewer: session.user, session, ...tokens };
}
