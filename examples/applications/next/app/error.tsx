'use client';

/** Is shown instead of a page that failed, for example while the server for users and sessions does not answer. */
export default function Failure({ retry }: { error: unknown; retry(): void }) {
  return (
    <>
      <h1>Something went wrong</h1>
      <p role="alert">This page is not available at the moment.</p>
      <button type="button" onClick={retry}>
        Try again
      </button>
    </>
  );
}
