import { answerOf, askForPasskey } from './factors.ts';
import { Problems } from './problems.tsx';
import { completeLogin, type Pending, type SignInStep } from './sign-ins.ts';

type Props = {
  pending: Pending;
  problems: string[];
  /** Takes a step of the sign-in. */
  take(act: () => Promise<SignInStep | null>): void;
  isPending: boolean;
};

/** The second step of a login. */
export function SecondFactor({ pending, problems, take, isPending }: Props) {
  const { methods, passkeyOptions, canTrustDevice } = pending;

  function submit(form: FormData): void {
    take(() => completeLogin(pending, answerOf(form.get('code')), form.get('trust') === 'on'));
  }

  return (
    <>
      <h1>Second step</h1>
      {passkeyOptions && (
        <form action={() => take(async () => completeLogin(pending, await askForPasskey(passkeyOptions), false))}>
          <button type="submit" disabled={isPending}>
            Use a passkey
          </button>
        </form>
      )}
      {methods.some((method) => method !== 'PASSKEY') && (
        <form action={submit}>
          <label>
            Code of your app, or a recovery code
            <input name="code" autoComplete="one-time-code" inputMode="text" required />
          </label>
          {canTrustDevice && (
            <label className="choice">
              <input name="trust" type="checkbox" />
              Skip this step on this device for 30 days
            </label>
          )}
          <button type="submit" disabled={isPending}>
            Continue
          </button>
        </form>
      )}
      <Problems problems={problems} />
      <form action={() => take(async () => ({ step: 'credentials' }))}>
        <button type="submit" className="link">
          Log in as somebody else
        </button>
      </form>
    </>
  );
}
