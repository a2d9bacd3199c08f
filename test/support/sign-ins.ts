import { password, type TestApi } from './api.ts';
import { encryptionKeysOf } from './encryption-keys.ts';
import { deliverMail, tokenIn } from './mail.ts';

const email = 'ada@example.com';

/** The mutations that start a session of a user. Each function prepares one, and returns its arguments. */
export const signIns: Record<string, (api: TestApi) => Promise<Record<string, string>>> = {
  signUp: async () => ({ email: 'new@example.com', password }),
  async login(api) {
    await api.signUp(email);
    return { email, password };
  },
  async confirmSignUp(api) {
    api.config.isSignUpPrivate = true;
    await api.client().act('signUp', { email, password });
    return { token: tokenIn(await deliverMail(api), 'confirm-sign-up'), password };
  },
  async resetPassword(api) {
    await api.signUp(email);
    await api.client().act('requestPasswordReset', { email });
    return { token: tokenIn(await deliverMail(api), 'reset-password'), newPassword: 'another battery staple' };
  },
  async signInWithEmailLink(api) {
    Object.assign(api.config, { emailSignIn: { createsAccounts: false }, encryptionKeys: encryptionKeysOf() });
    await api.signUp(email);
    await api.client().act('requestEmailSignIn', { email });
    return { token: tokenIn(await deliverMail(api), 'sign-in') };
  },
};

/** Returns a mutation that selects the tokens of a new session. `extra` are further arguments, as GraphQL. */
export function signInMutation(field: string, args: Record<string, string>, extra = ''): string {
  const given = Object.entries(args).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return `mutation { ${field}(${[...given, extra].join(', ')}) {
    __typename ... on SignInPayload { token antiCSRFToken session { expiresAt } } ... on UserError { code } } }`;
}
