import { readFileSync, writeFileSync } from 'node:fs';
import { composeServices } from '@theguild/federation-composition';
import { parse } from 'graphql';

const subgraphs = {
  accounts: process.env.ACCOUNTS_URL ?? 'http://127.0.0.1:4000/graphql',
  orders: process.env.ORDERS_URL ?? 'http://127.0.0.1:4001/graphql',
};

const { supergraphSdl, errors = [] } = composeServices(
  Object.entries(subgraphs).map(([name, url]) => ({
    name,
    url,
    typeDefs: parse(readFileSync(`${name}.graphql`, 'utf8')),
  })),
);
if (supergraphSdl === undefined) throw new Error(errors.map(({ message }) => message).join('\n'));
writeFileSync('supergraph.graphql', supergraphSdl);
