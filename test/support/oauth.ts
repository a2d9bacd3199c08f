import { commandScope, type ServiceScope } from '../../src/scope.ts';
import { createServiceClient } from '../../src/service-clients/service-client.ts';
import type { Data, TestApi } from './api.ts';

export type OAuthAnswer = { status: number; headers: Headers; body: Data };

/** A service client, and its requests to the OAuth endpoints. */
export type TestService = {
  clientId: string;
  secret: string;
  /** The `Authorization` header of `client_secret_basic`. */
  authorization: string;
  introspect(token: string, parameters?: Record<string, string>): Promise<OAuthAnswer>;
};

/** Creates a service client with these scopes. */
export async function createService(api: TestApi, ...scopes: ServiceScope[]): Promise<TestService> {
  const name = `service-${scopes.join('-').replace(/\W/g, '.')}`;
  const issued = await createServiceClient(api.database, commandScope(api.clock.now), { name, scopes });
  const { secret, client } = issued;
  const authorization = basic(client.clientId, secret);
  return {
    clientId: client.clientId,
    secret,
    authorization,
    introspect: (token, parameters = {}) => post(api, '/oauth/introspect', { token, ...parameters }, { authorization }),
  };
}

export function basic(clientId: string, secret: string): string {
  return `Basic ${btoa(`${encodeURIComponent(clientId)}:${encodeURIComponent(secret)}`)}`;
}

/** Posts a form, or a text as it is. */
export async function post(
  api: Pick<TestApi, 'app' | 'config'>,
  path: string,
  form: Record<string, string> | string,
  headers: Record<string, string> = {},
): Promise<OAuthAnswer> {
  const body = typeof form === 'string' ? form : new URLSearchParams(form).toString();
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  const request = new Request(new URL(path, api.config.publicUrl), {
    method: 'POST',
    body,
    headers: { ...type, ...headers },
  });
  return toAnswer(await api.app.fetch(request, '203.0.113.9'));
}

/** Returns an answer with its body parsed, or as text if it is no JSON. */
export async function toAnswer(response: Response): Promise<OAuthAnswer> {
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json');
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}
