import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { installPackages } from '../checks/packages.ts';

type Model = new (object: unknown) => { validate(): void };

/** Compares each object with the schema of its kind in the API of Kubernetes. */
export async function checkKubernetes(): Promise<string> {
  const packages = await installPackages('kubernetes', { 'kubernetes-models': '5.1.0' });
  const kinds: string[] = [];
  for (const document of parseAllDocuments(await readFile('deploy/kubernetes.yaml', 'utf8'))) {
    const object = document.toJS();
    const { kind, apiVersion } = object;
    const models: Record<string, Model> = await import(join(packages, 'kubernetes-models', apiVersion, 'index.js'));
    const Kind = models[kind];
    if (!Kind) throw new Error(`${apiVersion} has no ${kind}.`);
    new Kind(object).validate();
    kinds.push(kind);
  }
  return kinds.join(', ');
}
