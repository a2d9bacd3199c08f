import type { Auth } from '../auth.ts';
import { Refusal } from '../errors.ts';
import { type AdapterOptions, protect, type RequestVerifier } from './protect.ts';

/** The part of Yoga's context that the plugin adds. */
export type AuthContext = { auth: Auth | null };

/** A result that Yoga sends with a status and headers. */
type Failure = { errors: { message: string; extensions: Record<string, unknown> }[] };

type Params = { request: Request; setResult(result: Failure): void };
type Building = { context: { request: Request }; extendContext(addition: AuthContext): void };

/**
 * Returns a plugin for GraphQL Yoga. It adds `auth` to the context, which is null without a session, and rejects forged
 * requests (CSRF). Yoga answers 503 if there is no verdict, and 403 to a forged request.
 *
 * With `useGenericAuth` of `@envelop/generic-auth` after it, `resolveUserFn` is `({ auth }) => auth?.user`.
 *
 * @example
 * const yoga = createYoga({ schema, plugins: [yogaAuth(verifier)] });
 */
export function yogaAuth(verifier: RequestVerifier, { clientIp }: AdapterOptions<Request> = {}) {
  const auths = new WeakMap<Request, Auth | null>();
  return {
    async onParams({ request, setResult }: Params): Promise<void> {
      try {
        auths.set(request, await protect(verifier, request, clientIp?.(request)));
      } catch (error) {
        setResult(toFailure(error));
      }
    },
    onContextBuilding({ context, extendContext }: Building): void {
      extendContext({ auth: auths.get(context.request) ?? null });
    },
  };
}

function toFailure(error: unknown): Failure {
  if (!(error instanceof Refusal)) throw error;
  const { name: code, message, status, headers } = error;
  return { errors: [{ message, extensions: { code, http: { status, headers } } }] };
}
