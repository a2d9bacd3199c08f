import Link from 'next/link';
import { finishPasskeyLogin, logIn, startPasskeyLogin } from '../actions.ts';
import { PasskeyButton } from '../passkey-button.tsx';
import { SignInForm } from '../sign-in-form.tsx';

export default function LogIn() {
  return (
    <SignInForm action={logIn} label="Log in" passwordType="current-password">
      <PasskeyButton label="Log in with a passkey" use={{ start: startPasskeyLogin, finish: finishPasskeyLogin }} />
      <p>
        No account yet? <Link href="/sign-up">Sign up</Link>
      </p>
    </SignInForm>
  );
}
