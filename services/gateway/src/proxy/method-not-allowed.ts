import { Problem } from '@holdfast/shared/problems';
import type { Express, Request, Response } from 'express';
import type { ApiRoute } from '../openapi/route.ts';

/** After all routes: OPTIONS of a known path tells its methods, another wrong method is 405. */
export function mountMethodNotAllowed(app: Express, routes: readonly ApiRoute[]): void {
  const methodsOf = new Map<string, Set<string>>();
  for (const route of routes) {
    const methods = methodsOf.get(route.path) ?? new Set();
    methods.add(route.method.toUpperCase());
    if (route.method === 'get') methods.add('HEAD');
    methodsOf.set(route.path, methods.add('OPTIONS'));
  }
  for (const [path, methods] of methodsOf) {
    const allow = [...methods].join(', ');
    app.all(path, (req: Request, res: Response) => {
      if (req.method === 'OPTIONS') {
        res.status(204).set('Allow', allow).end();
        return;
      }
      throw new Problem('method_not_allowed', { headers: { Allow: allow } });
    });
  }
}
