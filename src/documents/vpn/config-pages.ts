/** Pages with the contents of configuration files, which are secret. */
import type { Contents } from '../../collectors/vpn/config-folder.js';
import { array, type Infer, nullable, object, string } from '../../model/schema.js';

const page = object({
  client_config: nullable(array(string('A line of the file.'), 'Lines of the configuration file. `null` if it cannot be read.')),
  problem: nullable(string('Reason why the file cannot be read. `null` if it can.')),
});

export const configPages = { parameter: 'config', secret: true, view: page } as const;

export function composeConfigPages(contents: Contents): Map<string, Infer<typeof page>> {
  // Without secrets, only the existence of a page is visible.
  const hidden = (problem: string | null) => (problem === null ? [] : null);
  return new Map(contents.map(({ config, lines, problem }) => [config, { client_config: lines ?? hidden(problem), problem }]));
}
