'use client';

import { useActionState } from 'react';
import { Problems } from '../../problems.tsx';
import { confirm } from './actions.ts';

export function ConfirmForm({ email, needsSecondFactor }: { email: string; needsSecondFactor: boolean }) {
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
          <input name="code" autoComplete="one-time-code" required />
        </label>
      )}
      <button type="submit" disabled={isPending}>
        Confirm
      </button>
      <Problems problems={problems} />
    </form>
  );
}
