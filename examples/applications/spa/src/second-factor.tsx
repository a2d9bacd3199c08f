import { useState } from 'react';
import { messageOf, Refusal } from './accounts.ts';
import { askForPasskey, completeLogin, type Pending } from './sign-ins.ts';

type Props = { pending: Pending; onSignIn(): Promise<void>; onCancel(): void };

/** The second step of a login. */
export function SecondFactor({ pending, onSignIn, onCancel }: Props) {
  const [problem, setProblem] = useState('');
  const { methods, passkeyOptions } = pending;

  async function attempt(complete: () => Promise<void>): Promise<void> {
    try {
      await complete();
    } catch (error) {
      // The challenge is used or too old: the login begins again.
      if (error instanceof Refusal && error.code === 'CHALLENGE_INVALID') return onCancel();
      return setProblem(messageOf(error));
    }
    await onSignIn();
  }

  async function submit(form: FormData): Promise<void> {
    const code = String(form.get('code'));
    const answer = /^[\d\s]+$/.test(code) ? { totpCode: code } : { recoveryCode: code };
    await attempt(() => completeLogin(pending, answer, form.get('trust') === 'on'));
  }

  return (
    <>
      <h1>Second step</h1>
      {passkeyOptions && (
        <button
          type="button"
          onClick={() => attempt(async () => completeLogin(pending, await askForPasskey(passkeyOptions), false))}
        >
          Use a passkey
        </button>
      )}
      {methods.some((method) => method !== 'PASSKEY') && (
        <form action={submit}>
          <label>
            Code of your app, or a recovery code
            <input name="code" autoComplete="one-time-code" inputMode="text" required />
          </label>
          <label className="choice">
            <input name="trust" type="checkbox" />
            Skip this step on this device for 30 days
          </label>
          <button type="submit">Continue</button>
        </form>
      )}
      <div role="alert">{problem && <p>{problem}</p>}</div>
      <button type="button" className="link" onClick={onCancel}>
        Log in as somebody else
      </button>
    </>
  );
}
