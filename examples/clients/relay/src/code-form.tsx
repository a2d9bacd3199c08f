import { describeStep, type NewApp, type NextStep, type SecondFactor } from './steps.ts';

type Props = {
  step: SecondFactor | NewApp;
  send(code: string, trustDevice: boolean): Promise<NextStep>;
  onStep(step: NextStep): void;
};

/** The second step of a login, or the first code of a new authenticator app. */
export function CodeForm({ step, send, onStep }: Props) {
  const submit = async (form: FormData) => {
    // After a failure of the request, the user types the code again.
    const failed = (error: Error) => ({ ...step, problem: error.message });
    onStep(await send(String(form.get('code')), form.has('trustDevice')).catch(failed));
  };
  const isApp = step.__typename === 'StartAuthenticatorAppPayload';
  return (
    <form action={submit}>
      <p>{describeStep(step)}</p>
      {isApp && <img src={`data:image/svg+xml,${encodeURIComponent(step.qrCode)}`} alt="" />}
      {isApp && <code>{step.secret}</code>}
      <input name="code" autoComplete="one-time-code" aria-label="Code" required />
      {!isApp && step.canTrustDevice && (
        <label>
          <input name="trustDevice" type="checkbox" /> Ask for no code on this device for 30 days
        </label>
      )}
      <button type="submit">Continue</button>
      <button type="button" onClick={() => onStep(null)}>
        Start over
      </button>
      <p role="alert">{step.problem}</p>
    </form>
  );
}
