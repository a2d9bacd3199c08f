import type { Metadata } from 'next';
import Link from 'next/link';
import type { ReactNode } from 'react';
import '../../style.css';

export const metadata: Metadata = { title: 'Shop' };

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
