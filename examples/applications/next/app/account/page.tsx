import Link from 'next/link';
import { redirect } from 'next/navigation';
import { query } from '../../lib/accounts.ts';
import { type AccountData, accountQuery } from '../../lib/operations.ts';
import { logOut, revoke } from '../actions.ts';

/** A protected page: the account with its devices. */
export default async function Account() {
  const { viewer } = await query<AccountData>(accountQuery);
  if (!viewer) redirect('/login');
  return (
    <>
      <h1>{viewer.email}</h1>
      <h2>Devices</h2>
      <ul>
        {viewer.sessions.map(({ id, clientName, ipAddress, lastSeenAt, isCurrent }) => (
          <li key={id}>
            <span>
              <strong id={id}>{clientName ?? 'Unknown device'}</strong>
              {isCurrent && ' (this device)'}
              <small>
                {ipAddress}, <time dateTime={lastSeenAt}>{new Date(lastSeenAt).toUTCString()}</time>
              </small>
            </span>
            {!isCurrent && (
              <form action={revoke}>
                <input type="hidden" name="id" value={id} />
                <button type="submit" aria-describedby={id}>
                  Log out this device
                </button>
              </form>
            )}
          </li>
        ))}
      </ul>
      <p>
        <Link href="/account/security">Passkeys and second factors</Link>
      </p>
      <form action={logOut}>
        <button type="submit">Log out</button>
      </form>
    </>
  );
}
