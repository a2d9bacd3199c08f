import { redirect } from 'next/navigation';
import { query } from '../../../lib/accounts.ts';
import { type SecurityData, securityQuery } from '../../../lib/factor-operations.ts';
import { PasskeyButton } from '../../passkey-button.tsx';
import { confirmByPasskey, startPasskeyProof } from './actions.ts';
import { ConfirmForm } from './form.tsx';

/** Asks for a proof of the user before a change of the factors: the session may be older than 15 minutes. */
export default async function Confirm() {
  const { viewer } = await query<SecurityData>(securityQuery);
  if (!viewer) redirect('/login');
  const hasPasskey = viewer.passkeys.length > 0;
  return (
    <>
      <h1>Confirm that it is you</h1>
      <p>Then make the change again.</p>
      <ConfirmForm email={viewer.email} needsSecondFactor={viewer.needsSecondFactor} hasPasskey={hasPasskey} />
      {hasPasskey && (
        <PasskeyButton label="Use a passkey" use={{ start: startPasskeyProof, finish: confirmByPasskey }} />
      )}
    </>
  );
}
