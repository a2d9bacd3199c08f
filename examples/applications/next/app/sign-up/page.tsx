import Link from 'next/link';
import { signUp } from '../actions.ts';
import { SignInForm } from '../sign-in-form.tsx';

export default function SignUp() {
  return (
    <SignInForm action={signUp} label="Sign up" passwordType="new-password">
      <p>
        Already a member? <Link href="/login">Log in</Link>
      </p>
    </SignInForm>
  );
}
