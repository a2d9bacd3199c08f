import Link from 'next/link';
import { redirect } from 'next/navigation';
import { query } from '../../../lib/accounts.ts';
import { type SecurityData, securityQuery } from '../../../lib/factor-operations.ts';
import { PasskeyButton } from '../../passkey-button.tsx';
import { addApp, addPasskey, createCodes, removeApp, removePasskey, startPasskey } from './actions.ts';
import { FactorForm, RemovalForm } from './forms.tsx';

/** A protected page: the factors of the account. */
export default async function Security() {
  const { viewer } = await query<SecurityData>(securityQuery);
  if (!viewer) redirect('/login');
  const { passkeys, needsSecondFactor, recoveryCodesLeft, authenticatorApp } = viewer;
  return (
    <>
      <h1>Security</h1>
      <h2>Passkeys</h2>
      <ul>
        {passkeys.map(({ id, name, createdAt }) => (
          <li key={id}>
            <span id={id}>
              {name ?? 'Passkey'}
              <small>added on {new Date(createdAt).toUTCString()}</small>
            </span>
            <RemovalForm action={removePasskey} label="Remove the passkey" id={id} />
          </li>
        ))}
      </ul>
      <PasskeyButton label="Add a passkey" create={{ start: startPasskey, finish: addPasskey }} />
      <h2>Authenticator app</h2>
      <p>
        {needsSecondFactor ? 'A login asks for a second factor.' : 'A login asks for the password only.'} A new app
        replaces the one before.
      </p>
      {/* Stays in place when the app is added: it shows the recovery codes. */}
      <FactorForm action={addApp} label="Add an authenticator app" />
      {authenticatorApp && <RemovalForm action={removeApp} label="Remove the app" />}
      {needsSecondFactor && (
        <>
          <h2>Recovery codes</h2>
          <p>{recoveryCodesLeft ?? 0} are left. New ones replace them.</p>
          <FactorForm action={createCodes} label="Create new recovery codes" />
        </>
      )}
      <p>
        <Link href="/account">Back to the account</Link>
      </p>
    </>
  );
}
