/**
 * Writes dist/openapi.json: endpoints from the routes' comments, documents from their definitions, and examples from a machine
 * that the tests have. Part of `npm run build`.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import swaggerJsdoc from 'swagger-jsdoc';
import type { AnyDocument } from '../src/documents/index.js';
import { type Example, specification } from '../src/encode/openapi.js';
import { slug } from '../src/model/document.js';
import { fixtureText, wholeMachine } from '../test/support/fixture.js';

/** What each document says of a machine, with the page first that has most to say. */
function examplesOf(machine: string): (document: { name: string }) => Example {
  const archive = wholeMachine(machine);
  return (document) => {
    const { document: body, pages = {} } = JSON.parse(fixtureText(archive, `expected/${slug(document)}.json`)) as Example;
    const length = (page: unknown) => JSON.stringify(page).length;
    return { document: body, pages: Object.fromEntries(Object.entries(pages).sort(([, a], [, b]) => length(b) - length(a))) };
  };
}

const stock = examplesOf('raspap-pi4');
const exposed = examplesOf('dual-ap');
/** Pages that are secret are shown of a machine that exposes its secrets. */
const exampleOf = (document: AnyDocument): Example =>
  document.pages?.secret ? { ...stock(document), pages: exposed(document).pages ?? {} } : stock(document);

// Absolute, for swagger-jsdoc resolves from the working directory; and it must not pass over bad YAML.
const routes = fileURLToPath(new URL('../../src/http/**/*.ts', import.meta.url));
const definition = specification(exampleOf) as swaggerJsdoc.OAS3Definition;
const result = swaggerJsdoc({ definition, apis: [routes], failOnErrors: true });
writeFileSync(new URL('../openapi.json', import.meta.url), JSON.stringify(result));
