/** The reasons of a refusal. Screen readers read them out. */
export function Problems({ problems }: { problems: string[] }) {
  return (
    <div role="alert">
      {problems.map((problem) => (
        <p key={problem}>{problem}</p>
      ))}
    </div>
  );
}
