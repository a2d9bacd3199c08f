import { execFile } from 'node:child_process';
import { cp, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { installPackages } from '../../checks/packages.ts';
import { ports, type Stack } from '../stack.ts';
import { runProgram, yoga } from './javascript.ts';

const packages = { '@graphql-hive/gateway': '2.15.1', '@graphql-mesh/compose-cli': '1.8.2', graphql: '16.15.0' };

/** The gateway in front of the server and of the program for Yoga, as two subgraphs. Clients ask it as they ask Yoga. */
export const hiveGateway: Stack = {
  ...yoga,
  name: 'hive-gateway',
  port: ports.proxy,
  isGateway: true,
  async start(place) {
    const { folder, run } = place;
    await symlink(await installPackages('hive-gateway', packages), join(folder, 'node_modules'));
    await runProgram(place, 'test/verify/examples/yoga.ts');
    await cp('examples/stacks/hive-gateway', folder, { recursive: true });
    await cp('examples/federation/gateway.config.ts', join(folder, 'gateway.config.ts'));
    const command = (name: string) => join(folder, 'node_modules/.bin', name);
    await promisify(execFile)(process.execPath, [command('mesh-compose'), '-o', 'supergraph.graphql'], { cwd: folder });
    await run(process.execPath, [command('hive-gateway'), 'supergraph'], { port: ports.proxy });
  },
};
