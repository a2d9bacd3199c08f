import type { LoginResult, StartAppResult } from './operations.ts';

/** A login that waits for a code of a second factor, with the refusal of the code before. */
export type SecondFactor = Extract<LoginResult, { __typename: 'SecondFactorRequired' }> & { problem?: string };

/** An authenticator app that waits for its first code. `signIn` is the challenge of a sign-in that needs the app. */
export type NewApp = Extract<StartAppResult, { __typename: 'StartAuthenticatorAppPayload' }> & {
  signIn: string | null;
  problem?: string;
};

/** Null: the user is signed in. Text: a refusal, for the user, who begins again. An object: the user types a code. */
export type NextStep = SecondFactor | NewApp | string | null;

/** What the user has typed in the second step of a login. */
export type Code = { code: string; trustDevice: boolean };

/** Returns the answer for a code: six digits of an app, or a recovery code, which has letters. */
export function answerFor(code: string): { totpCode: string } | { recoveryCode: string } {
  return /^[\d\s]+$/.test(code) ? { totpCode: code } : { recoveryCode: code };
}

/** Returns what the user is asked for. */
export function describeStep(step: SecondFactor | NewApp): string {
  if (step.__typename === 'StartAuthenticatorAppPayload') {
    return `Add ${step.secret} to your authenticator app. Then type the code of the app.`;
  }
  const names = { PASSKEY: null, TOTP: 'the code of your authenticator app', RECOVERY_CODE: 'a recovery code' };
  const offered = step.methods.map((method) => names[method]).filter((name) => name !== null);
  // Passkeys need another page: see examples/applications/spa.
  return offered.length > 0
    ? `Type ${offered.join(' or ')}.`
    : 'Your account has a passkey only: log in on our website.';
}
