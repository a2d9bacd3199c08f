/** The processor architectures of the image, with the names that each tool gives them. */

export type Architecture = {
  /** In images and in Debian. */
  name: 'amd64' | 'arm64';
  /** In Node and npm. */
  cpu: 'x64' | 'arm64';
  /** In the header of a program, as `readelf` prints it. */
  machine: string;
  /** The folder of shared libraries in Debian. */
  libraries: string;
  /** The program that starts every other program. Its path is in their headers. */
  loader: string;
};

export const architectures: Architecture[] = [
  {
    name: 'amd64',
    cpu: 'x64',
    machine: 'Advanced Micro Devices X86-64',
    libraries: 'usr/lib/x86_64-linux-gnu',
    loader: 'lib64/ld-linux-x86-64.so.2',
  },
  {
    name: 'arm64',
    cpu: 'arm64',
    machine: 'AArch64',
    libraries: 'usr/lib/aarch64-linux-gnu',
    loader: 'lib/ld-linux-aarch64.so.1',
  },
];

/** Returns the architecture of this machine. Undefined if there is no image for it. */
export const ownArchitecture = architectures.find(({ cpu }) => cpu === process.arch);

/**
 * Returns the named architectures, or that of this machine if none is named.
 *
 * @throws Error with a sentence for an unknown name
 */
export function chooseArchitectures(names: string[]): Architecture[] {
  const known = architectures.map(({ name }) => name).join(' and ');
  if (names.length === 0) {
    if (!ownArchitecture) throw new Error(`This machine is ${process.arch}. Name an architecture: ${known} are known.`);
    return [ownArchitecture];
  }
  return names.map((name) => {
    const found = architectures.find((one) => one.name === name);
    if (!found) throw new Error(`There is no image for ${name}: ${known} are known.`);
    return found;
  });
}
