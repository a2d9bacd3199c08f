import { login } from '../../accounts/login.ts';
import { isPending, type SignInResult } from '../../accounts/sign-in.ts';
import type { PendingSignIn } from '../../accounts/sign-ins/pending.ts';
import type { UsernamePolicy } from '../../config/config.ts';
import {
  AccountSuspendedError,
  crossSiteCookie,
  InvalidCredentialsError,
  ProofOfWorkRequiredError,
  RateLimitedError,
  RequestError,
  ValidationError,
} from '../../errors.ts';
import type { SessionWithUser } from '../../sessions/session.ts';
import type { SessionRequest, StartedSession } from '../../sessions/start.ts';
import { type Identifier, requireIdentifier } from '../../users/identifier.ts';
import { requireAddress, type User as UserRow } from '../../users/user.ts';
import { builder } from '../builder.ts';
import type { Caller } from '../context.ts';
import { passwordCheck } from '../plugins/limits.ts';
import { SecondFactorEnrolmentRequired, SecondFactorRequired } from '../types/factors/second-factor.ts';
import { Session } from '../types/sessions/session.ts';
import { User } from '../types/user.ts';

export const Transport = builder.enumType('Transport', {
  description: 'How the client of a session sends the token.',
  values: {
    COOKIE: {
      description:
        'For browsers: the response sets an HttpOnly cookie. Mutations need the anti-CSRF token in the `anti-csrf` ' +
        'header.',
    },
    BEARER: {
      description: 'For programs: the response contains the token. Send it as `Authorization: Bearer <token>`.',
    },
  } as const,
});

/** A new session of a user, with the tokens that its client sees. */
export type NewLogin = {
  viewer: UserRow;
  session: SessionWithUser;
  token: string | null;
  deviceToken: string | null;
};

export const SignInPayload = builder.objectRef<NewLogin>('SignInPayload').implement({
  access: 'parent',
  description: 'A new session of the user, with the tokens of its client.',
  isTypeOf: (value) => typeof value === 'object' && value !== null && 'session' in value,
  fields: (t) => ({
    viewer: t.expose('viewer', { type: User, description: 'The signed-in user.' }),
    session: t.expose('session', { type: Session, description: 'The new session, which is now the current one.' }),
    token: t.exposeString('token', {
      nullable: true,
      description:
        'The bearer token. The server shows it only once. Null for a cookie session: the token is in the cookie.',
    }),
    antiCSRFToken: t.string({
      nullable: true,
      description:
        'The anti-CSRF token. Send it in the `anti-csrf` header of every mutation. Null for a bearer session, which ' +
        'needs none.',
      resolve: (_started, _args, { caller }) => caller.antiCSRFToken,
    }),
    deviceToken: t.exposeString('deviceToken', {
      nullable: true,
      description:
        'Identifies this device as trusted. Store it, even after logout, and send it in the `x-device-token` header ' +
        'with later logins: failed attempts by strangers then do not delay this device. It grants no access. Null if ' +
        'the device was trusted before, and for a cookie session: the token is in a cookie.',
    }),
  }),
});

export const rememberArgument = {
  required: true,
  defaultValue: true,
  description:
    'Whether the session outlives the browser. With false, for example on a shared computer, the browser deletes the ' +
    'cookie when it closes. The session then has a short lifetime, also a bearer session.',
} as const;

export const transportArgument = {
  type: Transport,
  required: true,
  defaultValue: 'COOKIE',
  description: 'How the client sends the token of the new session.',
} as const;

export const proofOfWorkArgument = {
  description:
    'The solution of the puzzle of `ProofOfWorkRequiredError`, as ALTCHA returns it: JSON in base64. Without effect ' +
    'if none is required.',
} as const;

const LoginResult = builder.errorUnion('LoginResult', {
  description: 'Result of `login`.',
  types: [
    SignInPayload,
    SecondFactorRequired,
    SecondFactorEnrolmentRequired,
    InvalidCredentialsError,
    AccountSuspendedError,
    RateLimitedError,
    ProofOfWorkRequiredError,
    ValidationError,
  ],
});

builder.mutationField('login', (t) =>
  t.field({
    access: 'public',
    type: LoginResult,
    complexity: passwordCheck,
    description:
      'Signs a user in with a new session. If the account needs a second factor, there is no session yet: ' +
      '`completeLogin` starts it. The session of the request ends; if it was anonymous, the new session ' +
      'keeps its data. If the user has too many sessions, the least recently used one ends.',
    args: {
      email: t.arg.string({
        description: 'The email address of the account. Case does not matter. Null, or left out, with `identifier`.',
      }),
      identifier: t.arg.string({
        description:
          'The email address or the username of the account. Case does not matter. Null, or left out, with `email`.',
      }),
      password: t.arg.string({ required: true, description: 'The password of the account.' }),
      transport: t.arg(transportArgument),
      remember: t.arg.boolean(rememberArgument),
      proofOfWork: t.arg.string(proofOfWorkArgument),
    },
    resolve: async (_root, args, { caller, config, database }) => {
      const { email = null, identifier: text = null, password, proofOfWork = null, ...wanted } = args;
      const identifier = identifierOf(email, text, config.usernames);
      const input = { identifier, password, proofOfWork, ...(await requestSession(caller, wanted)) };
      return toResult(caller, await login(database, caller.scope, input, config));
    },
  }),
);

/**
 * Reads the identifier of a login.
 *
 * @throws RequestError unless exactly one of both is given.
 * @throws ValidationError for a text that no user can have.
 */
function identifierOf(email: string | null, text: string | null, usernames: UsernamePolicy): Identifier {
  if (email !== null && text === null) return { kind: 'address', address: requireAddress(email) };
  if (email === null && text !== null) return requireIdentifier(text, usernames);
  throw new RequestError('BAD_USER_INPUT', 'A login needs exactly one of the arguments email and identifier.');
}

/** The arguments of a mutation that signs a user in. */
type WantedSession = { transport: SessionRequest['transport']; remember: boolean };

/**
 * Returns the request for a session of the caller, with the visitor who becomes its user.
 *
 * @throws RequestError if the client would not store its cookie.
 */
export async function requestSession(caller: Caller, { transport, remember }: WantedSession): Promise<SessionRequest> {
  requireTransport(caller, transport);
  return { transport, isRemembered: remember, visitor: await caller.findVisitor() };
}

/**
 * Requires that the client stores a token that it receives by this transport. Every mutation that gives a session a
 * token calls this before it does anything.
 *
 * @throws RequestError for a cookie that the browser would drop.
 */
export function requireTransport({ storesCookies }: Caller, transport: SessionRequest['transport']): void {
  if (transport === 'COOKIE' && !storesCookies) throw crossSiteCookie();
}

/** Gives the caller the session of a sign-in, or the challenge for the second factor that it lacks. */
export function toResult(caller: Caller, result: SignInResult): NewLogin | PendingSignIn {
  if (!isPending(result)) return signIn(caller, result);
  if (result.deviceToken !== null) caller.bindDevice(result.deviceToken, result.expiresAt);
  return result;
}

/** Gives the caller a new session. The tokens of a cookie session stay in cookies, where no script can read them. */
export function signIn(caller: Caller, started: StartedSession): NewLogin {
  const { session, token, transport, deviceToken } = started;
  caller.signIn(started);
  if (!session.user) throw new Error(`Session ${session.handle} has no user, although it was started for one.`);
  const tokens = transport === 'BEARER' ? { token, deviceToken } : { token: null, deviceToken: null };
  return { viewer: session.user, session, ...tokens };
}
