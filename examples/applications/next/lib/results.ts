import { OperationError, Refusal } from 'graphql-sessions/verify';
import { redirect } from 'next/navigation';
import { mutate } from './accounts.ts';

/** A refusal: `code` is for programs, the others are for people. */
export type Refused = { code: string; message: string; issues?: { message: string }[] };

/** The result of a mutation: its data, or a refusal. */
export type Result<Data> = Data | Refused;

export function isRefused<Data extends object>(result: Result<Data>): result is Refused {
  return 'message' in result;
}

/** Returns the reasons of a refusal, for a form. */
export function problemsOf({ issues, message }: Refused): string[] {
  return issues?.map((issue) => issue.message) ?? [message];
}

/** Sends a mutation, and returns its result. A request that failed is a refusal too. */
export async function send<Data extends object>(
  mutation: string,
  variables: Record<string, unknown> = {},
): Promise<Result<Data>> {
  try {
    return (await mutate<{ result: Result<Data> }>(mutation, variables)).result;
  } catch (error) {
    // The session is over, or too many attempts came from this address.
    if (error instanceof OperationError) return { code: error.code ?? '', message: error.message };
    // The server does not answer.
    if (error instanceof Refusal) return { code: '', message: error.message };
    throw error;
  }
}

/**
 * Sends a mutation of a signed-in user. Leads to the login page if the session is over, and to the page that asks for a
 * proof of the user if the last one is too old.
 */
export async function change<Data extends object>(
  mutation: string,
  variables: Record<string, unknown> = {},
): Promise<Result<Data>> {
  const result = await send<Data>(mutation, variables);
  if (isRefused(result) && result.code === 'UNAUTHENTICATED') redirect('/login');
  if (isRefused(result) && result.code === 'REAUTHENTICATION_REQUIRED') redirect('/account/confirm');
  return result;
}
