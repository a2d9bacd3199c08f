'use server';

import { redirect } from 'next/navigation';
import { reauthenticateMutation, startPasskeyProofMutation } from '../../../lib/factor-operations.ts';
import { answerOf, type PasskeyQuestion, type RequestOptions } from '../../../lib/factors.ts';
import { change, isRefused, problemsOf, type Result } from '../../../lib/results.ts';

/** Proves the user again by the password and, where the account needs it, a second factor. Or returns the problems. */
export async function confirm(_problems: string[], form: FormData): Promise<string[]> {
  const proofs = [
    { password: form.get('password') },
    ...(form.get('code') ? [{ answer: answerOf(form.get('code')) }] : []),
  ];
  for (const proof of proofs) {
    const result = await change(reauthenticateMutation, proof);
    if (isRefused(result)) return problemsOf(result);
  }
  redirect('/account/security');
}

export async function startPasskeyProof(): Promise<Result<PasskeyQuestion<RequestOptions>>> {
  return change(startPasskeyProofMutation);
}

export async function confirmByPasskey(challenge: string, response: unknown): Promise<string[]> {
  const result = await change(reauthenticateMutation, { challenge, answer: { passkey: { response } } });
  if (isRefused(result)) return problemsOf(result);
  redirect('/account/security');
}
