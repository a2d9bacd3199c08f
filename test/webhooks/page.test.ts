import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { describe, expect, it, onTestFinished } from 'vitest';
import { retryPausesMs } from '../../src/webhooks/delivery/retries.ts';
import { eventNames } from '../../src/webhooks/event-names.ts';
import { createWebhookSecret } from '../../src/webhooks/secrets.ts';
import { addEvents, addWebhook, onlyAdded, startWebhookApi, statesOf, webhookWorker } from '../support/webhooks.ts';

const page = readFileSync('docs/webhooks.md', 'utf8');

/** Starts the receiver of the page. Returns its URL and a reader of its next line. */
async function startProgram(secret: string): Promise<{ url: string; nextLine: () => Promise<string> }> {
  const env = { PORT: '0', WEBHOOK_SECRET: secret };
  const program = spawn(process.execPath, ['examples/webhooks/receiver.mjs'], { env });
  onTestFinished(() => void program.kill());
  const lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]();
  const nextLine = async () => String((await lines.next()).value);
  const [url = ''] = /http:\S+/.exec(await nextLine()) ?? [];
  return { url, nextLine };
}

/** Returns a request whose message is signed with a secret, as the server signs it. Its id is that of its body. */
function signedBy(secret: string, body: string) {
  const id = `msg_${Buffer.from(body).toString('hex').slice(0, 60)}`;
  const now = new Date();
  const signature = new StandardWebhook(secret).sign(id, now, body);
  const timestamp = String(Math.floor(now.getTime() / 1_000));
  const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
  return { method: 'POST', headers, body };
}

const hasPython = spawnSync('python3', ['--version']).status === 0;

describe('docs/webhooks.md', () => {
  it('has the receiver and the verification of the files, which run below, word for word', () => {
    expect(page).toContain(`\`\`\`js\n${readFileSync('examples/webhooks/receiver.mjs', 'utf8')}\`\`\``);
    expect(page).toContain(`\`\`\`python\n${readFileSync('examples/webhooks/verify.py', 'utf8')}\`\`\``);
  });

  it('has the names of all events, and the pauses of retries', () => {
    const rows = [...page.matchAll(/^\| `([a-z_.]+)` \| `([A-Z_]+)` \|$/gm)].map(([, name, type]) => [type, name]);
    expect(Object.fromEntries(rows)).toEqual(eventNames);
    const [, cells = ''] = /^\| pause before it \| \|(.*)\|$/m.exec(page) ?? [];
    const units = { s: 1_000, min: 60_000, h: 3_600_000 };
    const pauses = [...cells.matchAll(/(\d+) (s|min|h)\b/g)].map(
      ([, amount, unit]) => Number(amount) * units[unit as keyof typeof units],
    );
    expect(pauses).toEqual(retryPausesMs);
  });

  it('has a receiver that accepts each message of the server once, and nothing else', async () => {
    const api = await startWebhookApi();
    const { webhook, secret } = await addWebhook(api, { url: 'http://127.0.0.1:9/', ...onlyAdded });
    const { url, nextLine } = await startProgram(secret);
    await api.database.webhook.update({ where: { id: webhook.id }, data: { url } });
    await addEvents(api, [1n]);
    await webhookWorker(api).run();
    expect(await statesOf(api)).toEqual({ DELIVERED: 1 });
    const line = await nextLine();
    expect(line).toMatch(/^user\.role_changed \{"eventId":/);
    const post = async (body: string, signer = secret) => (await fetch(url, signedBy(signer, body))).status;
    expect(await post('{"type":"a.b","data":1}', createWebhookSecret())).toBe(400);
    expect(await post('{"type":"a.b","data":1}')).toBe(204);
    expect(await post('{"type":"a.b","data":1}')).toBe(204);
    expect(await post('{"type":"c.d","data":2}')).toBe(204);
    expect([await nextLine(), await nextLine()]).toEqual(['a.b 1', 'c.d 2']);
    // Last, because it may close the connection before it answers.
    expect(await post('x'.repeat(200_000)).catch(() => 400)).toBe(400);
  });

  it.runIf(hasPython)('has a verification in Python that accepts the same messages, and nothing else', () => {
    const secret = createWebhookSecret();
    const body = '{"type":"a.b","data":"\u00e9"}';
    const { headers } = signedBy(secret, body);
    const now = Math.floor(Date.now() / 1_000);
    const cases = [
      { secret, headers, body },
      { secret, headers: { ...headers, 'webhook-signature': `v1,AAAA v2,x ${headers['webhook-signature']}` }, body },
      { secret, headers, body: `${body} ` },
      { secret: createWebhookSecret(), headers, body },
      { secret, headers: { ...headers, 'webhook-id': 'msg_other' }, body },
      { secret, headers: { ...headers, 'webhook-timestamp': String(now - 301) }, body },
    ];
    const program = `
import json, sys
sys.path.insert(0, "examples/webhooks")
from verify import verify
for case in json.load(sys.stdin):
    try:
        print(verify(case["secret"], case["headers"], case["body"].encode())["type"])
    except ValueError as error:
        print("refused")`;
    const { stdout } = spawnSync('python3', ['-B', '-c', program], { input: JSON.stringify(cases), encoding: 'utf8' });
    expect(stdout.trim().split('\n')).toEqual(['a.b', 'a.b', 'refused', 'refused', 'refused', 'refused']);
  });
});
