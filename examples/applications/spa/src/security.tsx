import { useState } from 'react';
import type { Account } from './account.ts';
import { messageOf, Refusal } from './accounts.ts';
import { AppFields } from './app-fields.tsx';
import {
  addPasskey,
  answerOf,
  confirmApp,
  type NewApp,
  reauthenticate,
  reauthenticateByPasskey,
  removeApp,
  startApp,
} from './factors.ts';
import { RecoveryCodes } from './recovery-codes.tsx';

type Props = { account: Account; onChange(): Promise<void> };

/** The factors of the account: passkeys, and an authenticator app with its recovery codes. */
export function Security({ account, onChange }: Props) {
  const [problem, setProblem] = useState('');
  const [app, setApp] = useState<NewApp | null>(null);
  const [codes, setCodes] = useState<string[]>([]);
  /** The change that waits for a proof of the user. */
  const [waiting, setWaiting] = useState<(() => Promise<void>) | null>(null);

  async function attempt(act: () => Promise<void>): Promise<void> {
    setProblem('');
    try {
      await act();
    } catch (error) {
      if (error instanceof Refusal && error.code === 'REAUTHENTICATION_REQUIRED') {
        setWaiting(() => act);
        return;
      }
      setProblem(messageOf(error));
    }
  }

  async function proveByForm(form: FormData): Promise<void> {
    await reauthenticate(account, { password: String(form.get('password')) });
    if (form.get('code')) await reauthenticate(account, { answer: answerOf(form.get('code')) });
  }

  async function confirm(change: () => Promise<void>, prove: () => Promise<void>): Promise<void> {
    await attempt(async () => {
      await prove();
      setWaiting(null);
      // By itself: if it needs another proof, the form asks again, instead of sending the same code twice.
      await attempt(change);
    });
  }

  if (waiting !== null) {
    return (
      <>
        <form action={(form) => confirm(waiting, () => proveByForm(form))}>
          <label>
            Your password again
            <input name="password" type="password" autoComplete="current-password" required />
          </label>
          {account.needsSecondFactor && (
            <label>
              Code of your app, or a recovery code
              {/* Or the passkey below is the second proof: not every device asks for a PIN or a fingerprint. */}
              <input name="code" autoComplete="one-time-code" required={account.passkeys.length === 0} />
            </label>
          )}
          <button type="submit">Confirm</button>
        </form>
        {account.passkeys.length > 0 && (
          <form action={() => confirm(waiting, () => reauthenticateByPasskey(account))}>
            <button type="submit">Use a passkey</button>
          </form>
        )}
        <div role="alert">{problem && <p>{problem}</p>}</div>
      </>
    );
  }
  return (
    <>
      <h2>Security</h2>
      <div role="alert">{problem && <p>{problem}</p>}</div>
      <p>
        <button type="button" onClick={() => attempt(() => addPasskey(account, 'This device').then(onChange))}>
          Add a passkey
        </button>{' '}
        <button type="button" onClick={() => attempt(() => startApp(account).then(setApp))}>
          Add an authenticator app
        </button>{' '}
        {account.authenticatorApp && (
          <button type="button" onClick={() => attempt(() => removeApp(account).then(onChange))}>
            Remove the app
          </button>
        )}
      </p>
      <p>{account.passkeys.length === 0 ? 'No passkeys.' : `Passkeys: ${account.passkeys.length}`}</p>
      {app && (
        <form
          action={(form) =>
            attempt(async () => {
              setCodes(await confirmApp(account, app, String(form.get('code'))));
              setApp(null);
              await onChange();
            })
          }
        >
          <AppFields app={app} />
        </form>
      )}
      {codes.length > 0 && <RecoveryCodes codes={codes} />}
    </>
  );
}
