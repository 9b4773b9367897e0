/**
 * The interactive documentation, which also works on an access point without an uplink: the page comes from koa2-swagger-ui, its scripts
 * and styles from swagger-ui-dist. Nothing is loaded or compressed before the first request.
 */
import { createHash } from 'node:crypto';
// Not node:fs/promises: the service would load it, for 0.5 MB, without needing it before the first request.
import { promises as files, readFileSync } from 'node:fs';
import type { Context, Middleware, Next } from 'koa';
import { packageFile } from '../../program-files.js';
import { once } from '../once.js';
import { latePackage } from '../packages.js';
import { digest, type Handler, IMMUTABLE, REVALIDATE, type StaticFile, serveFile } from '../responses/static-file.js';

const loadSwaggerUi = latePackage<typeof import('koa2-swagger-ui')>('koa2-swagger-ui');

/** Name in the page, file of swagger-ui-dist, and type. No other file of that package is served. */
const assets = [
  ['swagger-ui.min.css', 'swagger-ui.css', 'text/css; charset=utf-8'],
  ['swagger-ui-bundle.js', 'swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
  ['swagger-ui-standalone-preset.js', 'swagger-ui-standalone-preset.js', 'text/javascript; charset=utf-8'],
  ['favicon.png', 'favicon-32x32.png', 'image/png'],
] as const;

/**
 * Serves `/openapi.json` and the page `/docs` without a key. Other methods and paths go to `next`. URLs in the page are relative, so it
 * works behind a proxy that serves it under a sub-path.
 *
 * @param specification the bytes of `/openapi.json`
 *
 * @example app.use(docs(await readFile(new URL('../openapi.json', import.meta.url))));
 */
export function docs(specification: Buffer): Middleware {
  // Not the package's main module, which evaluates the 1.7 MB bundle.
  const { version } = JSON.parse(readFileSync(packageFile('swagger-ui-dist/package.json'), 'utf8')) as { version: string };

  const handlers = new Map<string, Handler>();
  handlers.set(
    '/openapi.json',
    serveFile({ type: 'application/json', tag: digest(specification), cacheControl: REVALIDATE, load: async () => specification }),
  );
  for (const [name, file, type] of assets) {
    // The version in the path and in the tag identifies the bytes without reading them.
    const path = packageFile(`swagger-ui-dist/${file}`);
    handlers.set(
      `/docs/${version}/${name}`,
      serveFile({ type, tag: `${version}-${file}`, cacheControl: IMMUTABLE, load: () => files.readFile(path) }),
    );
  }
  const page = once(async () => serveFile(pageFile(await renderPage(version))));
  handlers.set('/docs', async (context) => (await page())(context));
  handlers.set('/docs/', async (context) => {
    context.redirect('../docs');
  });

  return async function serveDocs(context: Context, next: Next): Promise<void> {
    const handler = context.method === 'GET' || context.method === 'HEAD' ? handlers.get(context.path) : undefined;
    await (handler === undefined ? next() : handler(context));
  };
}

/**
 * Renders koa2-swagger-ui's page. Loading that package takes about 80 ms on a PC and 10 MB (handlebars, lodash), so it is loaded on first
 * use.
 */
async function renderPage(version: string): Promise<string> {
  const { koaSwagger } = loadSwaggerUi();
  const render = koaSwagger({
    title: 'apsnap API',
    routePrefix: false,
    hideTopbar: true,
    swaggerCdnUrl: 'docs',
    // Without it, koa2-swagger-ui uses the version it was developed with.
    swaggerVersion: version,
    favicon: `docs/${version}/favicon.png`,
    swaggerOptions: {
      url: 'openapi.json',
      deepLinking: true,
      tryItOutEnabled: true,
      displayRequestDuration: true,
      persistAuthorization: false,
      // A string, because the type allows no number. Swagger UI converts it.
      defaultModelsExpandDepth: '0',
      // Otherwise it sends the specification's URL to validator.swagger.io.
      validatorUrl: null,
    },
  });
  // The middleware sets only these two. A stand-in keeps the page's headers off a client's context if rendering fails.
  const rendered = { type: '', body: '' };
  await render(rendered as unknown as Parameters<typeof render>[0], async () => undefined);
  return rendered.body.replace(/[ \t]*<link [^>]*fonts\.googleapis\.com[^>]*>\r?\n/, '');
}

/** Returns the page with a policy: it may load from this service only, and run only the inline scripts it has now. */
function pageFile(html: string): StaticFile {
  const hashes = [...html.matchAll(/<script>(.*?)<\/script>/gs)].map(
    ([, script = '']) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`,
  );
  const policy = [
    "default-src 'none'",
    ["script-src 'self'", ...hashes].join(' '),
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "font-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  const bytes = Buffer.from(html);
  return {
    type: 'text/html; charset=utf-8',
    tag: digest(bytes),
    cacheControl: REVALIDATE,
    policy,
    load: async () => bytes,
  };
}
