/** `/healthz` and `/readyz`, which need no key and reveal nothing about the machine. */
import type Router from '@koa/router';
import type { Middleware } from 'koa';
import { lackingOf } from '../../engine/readiness.js';
import type { Store } from '../../engine/store.js';
import { HttpProblem } from '../responses/problem.js';

export function healthRoutes(router: Router, store: Store): void {
  router.get('/healthz', healthz);
  router.get('/readyz', readyz(store));
}

/**
 * @openapi
 * /healthz:
 *   get:
 *     operationId: getHealth
 *     summary: Liveness of the service
 *     description: Always 200 while the process is running. Needs no key.
 *     tags: [Health]
 *     security: []
 *     responses:
 *       '200':
 *         description: The process is running.
 *         content:
 *           application/json:
 *             schema: { type: object, properties: { status: { type: string, enum: [ok] } }, required: [status] }
 *             example: { status: ok }
 */
const healthz: Middleware = (ctx) => {
  ctx.set('Cache-Control', 'no-store');
  ctx.body = { status: 'ok' };
};

/**
 * @openapi
 * /readyz:
 *   get:
 *     operationId: getReadiness
 *     summary: Readiness of the service
 *     description: 200 once every required collector is fresh and the documents made of them exist. Needs no key.
 *     tags: [Health]
 *     security: []
 *     responses:
 *       '200':
 *         description: All required collectors are fresh.
 *         content:
 *           application/json:
 *             schema: { type: object, properties: { status: { type: string, enum: [ready] } }, required: [status] }
 *             example: { status: ready }
 *       '503':
 *         description: A required collector is not fresh, or a document does not exist yet.
 *         content:
 *           application/problem+json:
 *             schema:
 *               allOf:
 *                 - $ref: '#/components/schemas/Problem'
 *                 - type: object
 *                   properties:
 *                     collectors: { type: array, items: { type: string }, description: Names of required collectors that are not fresh. }
 *                   required: [collectors]
 *             example:
 *               type: about:blank
 *               title: Service Unavailable
 *               status: 503
 *               detail: 'not fresh: load, memory'
 *               collectors: [load, memory]
 */
function readyz(store: Store): Middleware {
  return function readyz(ctx) {
    ctx.set('Cache-Control', 'no-store');
    const lacking = lackingOf(store);
    if (lacking) throw new HttpProblem(503, lacking.text, { headers: { 'Retry-After': '1' }, collectors: lacking.collectors });
    ctx.body = { status: 'ready' };
  };
}
