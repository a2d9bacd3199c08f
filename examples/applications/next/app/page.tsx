import Link from 'next/link';
import { auth } from '../lib/accounts.ts';

/** A page for everyone, which knows its user. */
export default async function Home() {
  const caller = await auth();
  return (
    <>
      <h1>Shop</h1>
      {caller?.user ? (
        <p>Welcome, {caller.user.name ?? caller.user.email}.</p>
      ) : (
        <p>
          <Link href="/login">Log in</Link> or <Link href="/sign-up">sign up</Link> to order.
        </p>
      )}
    </>
  );
}
