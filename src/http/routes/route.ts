import type { RequestFacts } from '../../log/request-facts.ts';
import type { Incoming, Outgoing, Refusal } from '../messages.ts';

/** A path of this server, and the function that answers its requests. */
export type Route = {
  path: string;
  /** True if the route also answers for all paths below its own. False by default. */
  hasSubpaths?: boolean;
  /** True if the body of a POST is read. If not, it is discarded as it arrives. */
  readsBody: boolean;
  /** True if the answers have all their headers already, as those do that caches may keep. False by default. */
  hasOwnHeaders?: boolean;
  /** Answers a request, and adds to its facts. @throws Refusal */
  answer(incoming: Incoming, facts: RequestFacts): Promise<Outgoing>;
  /** Returns the JSON body of a refusal on this path. By default, that of a GraphQL response. */
  refusalBody?(refusal: Refusal, requestId: string): string;
};

/** Returns a function that finds the route of a path. A path belongs to at most one route. */
export function routeTable(routes: Route[]): (path: string) => Route | undefined {
  const exact = new Map(routes.map((route) => [route.path, route]));
  const open = routes.filter(({ hasSubpaths }) => hasSubpaths);
  return (path) => exact.get(path) ?? open.find((route) => path.startsWith(`${route.path}/`));
}
