/** @module-tag slow/cluster */
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createEncryptionKey } from '../../src/encryption/keys.ts';
import { password } from '../support/api.ts';
import { send } from '../support/load.ts';
import { startPostgresql } from '../support/postgresql-server.ts';
import { startServer } from '../support/process.ts';

const signUp = `mutation { signUp(email: "ada@example.com", password: "${password}", transport: BEARER) {
  ... on SignInPayload { token } } }`;
const accessToken = 'mutation { accessToken(audience: "router") { ... on AccessTokenPayload { token } } }';

describe('servers that start at once on a new database', () => {
  it('make one signing key, and each publishes the key that the others sign with', async () => {
    const postgresql = await startPostgresql();
    onTestFinished(() => postgresql.stop());
    const env = { ENCRYPTION_KEYS: createEncryptionKey(), ACCESS_TOKEN_AUDIENCES: 'router' };
    const started = await Promise.all([0, 1, 2].map(() => startServer(postgresql.url, env)));
    const nodes = started.map(({ address }) => address);
    const session = (await send(nodes[0] ?? '', signUp)).body.data.signUp.token;
    const kids = new Set<string | undefined>();
    for (const signer of nodes) {
      const { token } = (await send(signer, accessToken, session)).body.data.accessToken;
      kids.add(decodeProtectedHeader(token).kid);
      for (const publisher of nodes) {
        const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', publisher));
        const { payload } = await jwtVerify(token, keys, { audience: 'router', typ: 'at+jwt' });
        expect(payload.role).toBe('user');
      }
    }
    expect(kids.size).toBe(1);
  });
});
