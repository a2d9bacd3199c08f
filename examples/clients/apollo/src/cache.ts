import { InMemoryCache } from '@apollo/client';
import possibleTypes from './generated/possibleTypes.json' with { type: 'json' };

/** Creates a cache that knows the members of unions. Without them, it drops the fields of `... on UserError`. */
export function createCache(): InMemoryCache {
  return new InMemoryCache({ possibleTypes });
}
