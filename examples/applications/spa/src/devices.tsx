import { useState } from 'react';
import { type Account, type Device, logOut, revoke } from './account.ts';
import { RequestError } from './accounts.ts';
import { Security } from './security.tsx';

type Props = {
  account: Account;
  /** Is called when the account may have changed, or the session is over. */
  onChange(): Promise<void>;
  onLogOut(): void;
};

export function Devices({ account, onChange, onLogOut }: Props) {
  const [problem, setProblem] = useState('');

  async function attempt(act: () => Promise<void>, after: () => void | Promise<void>): Promise<void> {
    try {
      await act();
      setProblem('');
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      // The account is loaded again, and tells that nobody is signed in.
      if (error.code === 'UNAUTHENTICATED') return onChange();
      setProblem(error.message);
      // The page shows the user of the other tab, and does nothing in their name.
      if (error.code === 'OTHER_USER') await onChange();
      return;
    }
    await after();
  }

  return (
    <>
      <h1>{account.email}</h1>
      <div role="alert">{problem && <p>{problem}</p>}</div>
      <h2>Devices</h2>
      <ul>
        {account.sessions.map((device) => (
          <Item key={device.id} device={device} onRevoke={() => attempt(() => revoke(account, device.id), onChange)} />
        ))}
      </ul>
      <Security account={account} onChange={onChange} />
      <button type="button" onClick={() => attempt(() => logOut(account), onLogOut)}>
        Log out
      </button>
    </>
  );
}

function Item({ device, onRevoke }: { device: Device; onRevoke(): void }) {
  const { id, clientName, ipAddress, lastSeenAt, isCurrent } = device;
  return (
    <li>
      <span>
        <strong id={id}>{clientName ?? 'Unknown device'}</strong>
        {isCurrent && ' (this device)'}
        <small>
          {ipAddress}, <time dateTime={lastSeenAt}>{new Date(lastSeenAt).toLocaleString()}</time>
        </small>
      </span>
      {!isCurrent && (
        <button type="button" aria-describedby={id} onClick={onRevoke}>
          Log out this device
        </button>
      )}
    </li>
  );
}
