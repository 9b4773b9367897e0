/** Queries of a list of blocked names: a page of it, or the names that contain a text. */
import { SourceError } from '../../errors.js';
import type { Queries } from '../../model/document.js';
import { type EachName, type ListName, MAX_LIST_BYTES } from '../../parse/blocklist.js';
import { type PageOfList, pageOfList } from '../../parse/blocklist-page.js';

/**
 * Answers queries from the file itself: a million names are read in a tenth of a second, and no worker has to keep them.
 *
 * @param name of the list and of its field in the document
 */
export function listQueries(name: ListName, file: string, eachName: EachName): Queries {
  return {
    parameters: {
      limit: { type: 'integer', description: 'Maximum number of names in the response', min: 1, max: 10_000, default: 1_000 },
      offset: { type: 'integer', description: 'Number of names to skip', min: 0, max: 9_999_999_999, default: 0 },
      contains: {
        type: 'string',
        description: 'Text that each name in the response contains. `amount` counts all names that contain it.',
        pattern: /^[\x21-\x7e]{1,253}$/,
        expected: '1 to 253 letters, digits, dots and hyphens',
      },
    },
    answer(query, machine) {
      try {
        const { names, amount } = machine.readInPieces(file, MAX_LIST_BYTES, (_size, pieces) =>
          pageOfList(eachName, pieces, file, query as unknown as PageOfList),
        );
        return { [name]: names, amount };
      } catch (error) {
        if (error instanceof SourceError && error.code === 'not-found') return { [name]: [], amount: 0 };
        throw error;
      }
    },
  };
}
