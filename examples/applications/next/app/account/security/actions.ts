'use server';

import { revalidatePath } from 'next/cache';
import {
  type CodesData,
  confirmAppMutation,
  createCodesMutation,
  deletePasskeyMutation,
  finishPasskeyMutation,
  removeAppMutation,
  startAppMutation,
  startPasskeyMutation,
} from '../../../lib/factor-operations.ts';
import type { CreationOptions, NewApp, PasskeyQuestion } from '../../../lib/factors.ts';
import { change, isRefused, problemsOf, type Result } from '../../../lib/results.ts';

/** The addition of an app: `app` waits for its code. `codes` are new recovery codes, to be shown once. */
export type FactorState = { app: NewApp | null; codes: string[]; problems: string[] };

/** The removal of a factor. */
export type RemovalState = { isRemoved: boolean; problems: string[] };

/** Starts the addition of an authenticator app, or confirms the app by its first code. */
export async function addApp({ app }: FactorState, form: FormData): Promise<FactorState> {
  if (app === null) {
    const started = await change<NewApp>(startAppMutation);
    return isRefused(started)
      ? { app, codes: [], problems: problemsOf(started) }
      : { app: started, codes: [], problems: [] };
  }
  const { challenge } = app;
  const confirmed = await change<CodesData>(confirmAppMutation, { challenge, code: form.get('code') });
  if (!isRefused(confirmed)) return changed(confirmed);
  // The challenge is used up or too old: the addition begins again.
  const isOver = confirmed.code === 'CHALLENGE_INVALID';
  return { app: isOver ? null : app, codes: [], problems: problemsOf(confirmed) };
}

/** Replaces all recovery codes. */
export async function createCodes(state: FactorState): Promise<FactorState> {
  const created = await change<CodesData>(createCodesMutation);
  return isRefused(created) ? { ...state, problems: problemsOf(created) } : changed(created);
}

export async function removeApp(): Promise<RemovalState> {
  return removed(await change(removeAppMutation));
}

export async function removePasskey(_state: RemovalState, form: FormData): Promise<RemovalState> {
  return removed(await change(deletePasskeyMutation, { id: form.get('id') }));
}

export async function startPasskey(): Promise<Result<PasskeyQuestion<CreationOptions>>> {
  return change(startPasskeyMutation);
}

/** Adds the passkey that the device has made, or returns the problems. */
export async function addPasskey(challenge: string, response: unknown): Promise<string[]> {
  const result = await change(finishPasskeyMutation, { challenge, response });
  if (isRefused(result)) return problemsOf(result);
  revalidatePath('/account/security');
  return [];
}

function changed({ recoveryCodes }: CodesData): FactorState {
  revalidatePath('/account/security');
  return { app: null, codes: recoveryCodes ?? [], problems: [] };
}

function removed(result: Result<object>): RemovalState {
  if (isRefused(result)) return { isRemoved: false, problems: problemsOf(result) };
  revalidatePath('/account/security');
  return { isRemoved: true, problems: [] };
}
