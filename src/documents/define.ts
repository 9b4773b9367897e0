import type { Values } from '../collectors/index.js';
import { documentsOf } from '../model/document.js';

/** Defines a document composed from the values of apsnap's collectors. */
export const document = documentsOf<Values>();
