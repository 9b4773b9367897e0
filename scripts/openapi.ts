/** Writes dist/openapi.json: endpoints from the routes' comments, documents from their definitions. Part of `npm run build`. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import swaggerJsdoc from 'swagger-jsdoc';
import { specification } from '../src/encode/openapi.js';

// Absolute, for swagger-jsdoc resolves from the working directory; and it must not pass over bad YAML.
const routes = fileURLToPath(new URL('../../src/http/*.ts', import.meta.url));
const result = swaggerJsdoc({ definition: specification() as swaggerJsdoc.OAS3Definition, apis: [routes], failOnErrors: true });
writeFileSync(new URL('../openapi.json', import.meta.url), JSON.stringify(result));
