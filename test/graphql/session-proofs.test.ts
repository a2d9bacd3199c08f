import { describe, expect, it } from 'vitest';
import { type Client, password, startApi } from '../support/api.ts';
import { addApp, completeLogin, encryptionKeys } from '../support/second-factor.ts';

const query = '{ currentSession { assuranceLevel authenticatedAt proofs { method at } } }';
const look = async (client: Client) => (await client.ask(query)).currentSession;

describe('Session.proofs and Session.assuranceLevel', () => {
  it('tell the last proof by each method, and the level of all together', async () => {
    const api = await startApi({ encryptionKeys });
    const ada = await api.signUp('ada@example.com');
    const at = api.clock.now.toISOString();
    expect(await look(ada)).toEqual({
      assuranceLevel: 1,
      authenticatedAt: at,
      proofs: [{ method: 'PASSWORD', at }],
    });
    await addApp(api, ada);
    const later = api.clock.now.toISOString();
    await ada.act('reauthenticate', { password });
    expect(await look(ada)).toEqual({
      assuranceLevel: 2,
      authenticatedAt: later,
      proofs: [
        { method: 'PASSWORD', at: later },
        { method: 'TOTP', at },
      ],
    });
  });

  it('tell that a trusted device has skipped the second factor', async () => {
    const api = await startApi({ encryptionKeys });
    const app = await addApp(api, await api.signUp('ada@example.com'));
    const other = api.client();
    const { challenge } = await other.login('ada@example.com');
    await completeLogin(other, challenge, { totpCode: app.code() }, true);
    await other.login('ada@example.com');
    const { assuranceLevel, proofs } = await look(other);
    expect([assuranceLevel, proofs.map(({ method }: { method: string }) => method)]).toEqual([
      1,
      ['PASSWORD', 'TRUSTED_DEVICE'],
    ]);
  });

  it('are empty and null for an anonymous session, and where nothing was recorded', async () => {
    const api = await startApi();
    const visitor = api.client();
    await visitor.ask('mutation { startSession { session { id } } }');
    expect(await look(visitor)).toEqual({ assuranceLevel: null, authenticatedAt: null, proofs: [] });
    const ada = await api.signUp('ada@example.com');
    await api.database.session.updateMany({ data: { authenticationMethods: null, proofs: null } });
    expect(await look(ada)).toMatchObject({ assuranceLevel: null, proofs: [] });
  });
});
