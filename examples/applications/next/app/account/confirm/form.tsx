'use client';

import { useActionState } from 'react';
import { Problems } from '../../problems.tsx';
import { confirm } from './actions.ts';

type Props = { email: string; needsSecondFactor: boolean; hasPasskey: boolean };

export function ConfirmForm({ email, needsSecondFactor, hasPasskey }: Props) {
  const [problems, submit, isPending] = useActionState(confirm, []);
  return (
    <form action={submit}>
      {/* Tells password managers whose password it is. */}
      <input type="email" autoComplete="username" value={email} readOnly hidden />
      <label>
        Password
        <input name="password" type="password" autoComplete="current-password" required />
      </label>
      {needsSecondFactor && (
        <label>
          Code of your app, or a recovery code
          {/* Or the passkey is the second proof: not every device asks for a PIN or a fingerprint. */}
          <input name="code" autoComplete="one-time-code" required={!hasPasskey} />
        </label>
      )}
      <button type="submit" disabled={isPending}>
        Confirm
      </button>
      <Problems problems={problems} />
    </form>
  );
}
