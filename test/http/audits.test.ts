import { serverAudits } from 'graphql-http';
import { describe, expect, it } from 'vitest';
import { startApi } from '../support/api.ts';

const audits = serverAudits({ url: 'http://localhost:4000/graphql' });

describe('GraphQL over HTTP', () => {
  it('is audited in full', () => {
    expect(audits).toHaveLength(61);
  });

  it.each(audits.map(({ id, name }) => ({ id, name })))('$id $name', async ({ id }) => {
    const api = await startApi();
    const fetchFn = (url: string, init: RequestInit) => api.app.fetch(new Request(url, init));
    const [audit] = serverAudits({ url: 'http://localhost:4000/graphql', fetchFn }).filter((one) => one.id === id);
    expect(await audit?.fn()).toMatchObject({ status: 'ok' });
  });
});
