import type { Metadata } from 'next';
import Link from 'next/link';
import type { ReactNode } from 'react';
import './style.css';

// The empty icon keeps browsers from asking for /favicon.ico.
export const metadata: Metadata = { title: 'Shop', icons: { icon: 'data:,' } };

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        <header>
          <Link href="/">Shop</Link>
          <nav>
            <Link href="/account">Account</Link>
          </nav>
        </header>
        <main>{children}</main>
      </body>
    </html>
  );
}
