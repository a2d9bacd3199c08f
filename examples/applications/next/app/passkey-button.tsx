'use client';

import { startAuthentication, startRegistration } from '@simplewebauthn/browser';
import { useActionState } from 'react';
import type { CreationOptions, PasskeyQuestion, RequestOptions } from '../lib/factors.ts';
import { Problems } from './problems.tsx';

/** Gets a question, and answers it. `finish` returns the problems of the answer. */
type Exchange<Options> = {
  start(): Promise<PasskeyQuestion<Options> | { message: string }>;
  finish(challenge: string, response: unknown): Promise<string[]>;
};

/** With `use`, the button asks for a passkey, and with `create`, for a new one. */
type Props = { label: string } & (
  | { use: Exchange<RequestOptions>; create?: never }
  | { create: Exchange<CreationOptions>; use?: never }
);

export function PasskeyButton({ label, use, create }: Props) {
  const [problems, submit, isPending] = useActionState(async () => {
    try {
      return use
        ? await exchange(use, (optionsJSON) => startAuthentication({ optionsJSON }))
        : await exchange(create, (optionsJSON) => startRegistration({ optionsJSON }));
    } catch (error) {
      if (isCancelled(error)) return [error.message];
      throw error;
    }
  }, []);
  return (
    <form action={submit}>
      <button type="submit" disabled={isPending}>
        {label}
      </button>
      <Problems problems={problems} />
    </form>
  );
}

async function exchange<Options>(
  { start, finish }: Exchange<Options>,
  answer: (options: Options) => Promise<unknown>,
): Promise<string[]> {
  const started = await start();
  if ('message' in started) return [started.message];
  return finish(started.challenge, await answer(started.options));
}

/** Returns whether the user has cancelled, or the device has this passkey already. */
function isCancelled(error: unknown): error is Error {
  return error instanceof Error && ['NotAllowedError', 'InvalidStateError', 'AbortError'].includes(error.name);
}
