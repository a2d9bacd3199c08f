import { withAuth } from '../../lib/accounts.ts';

/** An endpoint of the application's own API, also for programs with a bearer token. */
export const POST = withAuth(async (_request, caller) => {
  if (!caller?.user) return new Response('Log in first.', { status: 401 });
  return Response.json({ buyer: caller.user.id });
});
