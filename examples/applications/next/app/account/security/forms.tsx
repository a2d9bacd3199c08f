'use client';

import { useActionState } from 'react';
import { AppFields } from '../../app-fields.tsx';
import { Problems } from '../../problems.tsx';
import { RecoveryCodes } from '../../recovery-codes.tsx';
import type { FactorState, RemovalState } from './actions.ts';

type FactorProps = { action(state: FactorState, form: FormData): Promise<FactorState>; label: string };

/** Adds an authenticator app, or creates recovery codes, and shows the codes. */
export function FactorForm({ action, label }: FactorProps) {
  const [{ app, codes, problems }, submit, isPending] = useActionState(action, { app: null, codes: [], problems: [] });
  return (
    <>
      <form action={submit}>
        {app ? (
          <AppFields app={app} isPending={isPending} />
        ) : (
          <button type="submit" disabled={isPending}>
            {label}
          </button>
        )}
        <Problems problems={problems} />
      </form>
      {codes.length > 0 && <RecoveryCodes codes={codes} />}
    </>
  );
}

type RemovalProps = {
  action(state: RemovalState, form: FormData): Promise<RemovalState>;
  label: string;
  /** The passkey. Without it, the factor is the app. */
  id?: string;
};

export function RemovalForm({ action, label, id }: RemovalProps) {
  const [{ isRemoved, problems }, submit, isPending] = useActionState(action, { isRemoved: false, problems: [] });
  return (
    <form action={submit}>
      {id && <input type="hidden" name="id" value={id} />}
      <button type="submit" disabled={isPending} aria-describedby={id}>
        {label}
      </button>
      {isRemoved && <p role="status">Removed.</p>}
      <Problems problems={problems} />
    </form>
  );
}
