import { serverAudits } from 'graphql-http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listen } from '../../src/http/server.ts';
import { startApi } from '../support/api.ts';

const audits = serverAudits({ url: 'http://localhost:4000/graphql' });

describe('GraphQL over HTTP', () => {
  it('is audited in full', () => {
    expect(audits).toHaveLength(61);
  });

  it.each(audits.map(({ id, name }) => ({ id, name })))('$id $name', async ({ id }) => {
    const api = await startApi();
    const { port, stop } = await listen(api.app, { host: '127.0.0.1', port: 0 });
    onTestFinished(stop);
    const asFunction = (url: string, init: RequestInit) => api.app.fetch(new Request(url, init));
    for (const [url, fetchFn] of [
      ['http://localhost:4000/graphql', asFunction],
      [`http://127.0.0.1:${port}/graphql`, fetch],
    ] as const) {
      const [audit] = serverAudits({ url, fetchFn }).filter((one) => one.id === id);
      expect(await audit?.fn()).toMatchObject({ status: 'ok' });
    }
  });
});
