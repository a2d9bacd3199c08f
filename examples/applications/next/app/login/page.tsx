import Link from 'next/link';
import { logIn } from '../actions.ts';
import { SignInForm } from '../sign-in-form.tsx';

export default function LogIn() {
  return (
    <>
      <h1>Log in</h1>
      <SignInForm action={logIn} label="Log in" passwordType="current-password" />
      <p>
        No account yet? <Link href="/sign-up">Sign up</Link>
      </p>
    </>
  );
}
