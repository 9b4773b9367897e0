import { collector } from '../collector.js';
import { SourceError } from '../errors.js';
import { integer, object } from '../schema.js';

/** How full the root file system is. */
export const disk = collector({
  name: 'disk',
  summary: 'Fill of the root file system',
  schedule: '*/30 * * * * *',
  sources: ['statfs /'],
  required: true,
  view: object({
    sizeBytes: integer('Size of the file system', 'bytes'),
    usedBytes: integer('What is used', 'bytes'),
    availableBytes: integer('What users other than root may still use', 'bytes'),
  }),
  absent: { sizeBytes: 0, usedBytes: 0, availableBytes: 0 },
  read(host) {
    const { bsize, blocks, bfree, bavail } = host.fileSystem('/');
    if (blocks === 0) throw new SourceError('malformed', 'statfs /: the file system has no blocks');
    return { value: { sizeBytes: blocks * bsize, usedBytes: (blocks - bfree) * bsize, availableBytes: bavail * bsize } };
  },
});
