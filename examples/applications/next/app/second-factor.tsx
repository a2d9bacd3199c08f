'use client';

import type { PendingLogin } from '../lib/factors.ts';
import { completeByPasskey } from './actions.ts';
import { PasskeyButton } from './passkey-button.tsx';
import { Problems } from './problems.tsx';

type Props = { pending: PendingLogin; problems: string[]; submit(form: FormData): void; isPending: boolean };

/** The second step of a login: a code, or a passkey. */
export function SecondFactor({ pending, problems, submit, isPending }: Props) {
  const { challenge, methods, passkeyOptions, canTrustDevice } = pending;
  return (
    <>
      <h1>Second step</h1>
      {methods.some((method) => method !== 'PASSKEY') && (
        <form action={submit}>
          <label>
            Code of your app, or a recovery code
            <input name="code" autoComplete="one-time-code" required />
          </label>
          {canTrustDevice && (
            <label className="choice">
              <input name="trust" type="checkbox" />
              Skip this step on this device for 30 days
            </label>
          )}
          <button type="submit" disabled={isPending}>
            Continue
          </button>
          <Problems problems={problems} />
        </form>
      )}
      {passkeyOptions && (
        <PasskeyButton
          label="Use a passkey"
          use={{ start: async () => ({ challenge, options: passkeyOptions }), finish: completeByPasskey }}
        />
      )}
      <p>
        {/* A new page: the challenge is gone. */}
        <a href="/login">Log in as somebody else</a>
      </p>
    </>
  );
}
