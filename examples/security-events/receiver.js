// Receives the security events of a server, and tells them. Start it with `node receiver.js`.
import { setTimeout as sleep } from 'node:timers/promises';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const { ISSUER: issuer, CLIENT_ID: clientId, CLIENT_SECRET: clientSecret } = process.env;
const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', issuer));
const sessionRevoked = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked';

/** Acts on an event. Acting twice must do no harm: an event may come again. */
async function act({ sub_id: subject, events }) {
  const end = events[sessionRevoked];
  if (end) console.log(`The session ${subject.session.id} of ${subject.user.sub} ended. ${end.reason_admin.en}`);
  else console.log(...Object.keys(events), JSON.stringify(subject));
}

let ack = [];
for (;;) {
  try {
    const response = await fetch(new URL('/security-events/poll', issuer), {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}` },
      body: JSON.stringify({ ack }),
    });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    ack = [];
    const { sets } = await response.json();
    for (const [jti, set] of Object.entries(sets)) {
      const { payload } = await jwtVerify(set, keys, {
        issuer,
        audience: clientId,
        typ: 'secevent+jwt',
        algorithms: ['ES256'],
      });
      await act(payload);
      ack.push(jti);
    }
  } catch (error) {
    // Without an acknowledgement, the events come again.
    console.error(String(error));
    await sleep(5_000);
  }
}
