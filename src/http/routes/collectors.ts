/** `/collectors`: the state of each collector, as `apsnap doctor` shows it, but of the running service. */
import type Router from '@koa/router';
import type { Middleware } from 'koa';
import type { Store } from '../../engine/store.js';
import { collectorStates } from '../responses/collector-states.js';

export function collectorRoutes(router: Router, store: Store): void {
  router.get('/collectors', collectors(store));
}

/**
 * @openapi
 * /collectors:
 *   get:
 *     operationId: getCollectors
 *     summary: State of every collector
 *     description: The same as `apsnap doctor` prints, but of the running service. A collector reads one source, such as a file or a program.
 *     tags: [Health]
 *     responses:
 *       '200':
 *         description: The state of every collector.
 *         content:
 *           application/json:
 *             schema: { $ref: '#/components/schemas/Collectors' }
 *             example:
 *               collectors:
 *                 - name: thermal
 *                   summary: Temperature of the processor
 *                   state: failing
 *                   reason: 'thermal: temp is not an integer: "hot"'
 *                   advice: null
 *                   last_success: '2026-11-24T07:29:17.123Z'
 *                   duration_ms: 0.2
 *                   interval_seconds: 5
 *       '403': { $ref: '#/components/responses/Unauthorized' }
 *       '429': { $ref: '#/components/responses/TooManyKeys' }
 */
function collectors(store: Store): Middleware {
  return function collectors(ctx) {
    ctx.set('Cache-Control', 'no-store');
    ctx.body = { collectors: collectorStates(store) };
  };
}
