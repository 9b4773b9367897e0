#!/usr/bin/env node
import { dispatch } from './cli/dispatch.js';
import { StartError, UsageError } from './errors.js';

// A reader that closes our output, such as head, doesn't end the service.
process.stdout.on('error', () => {});

dispatch(process.argv.slice(2), process.env).then(
  (status) => {
    // Exit explicitly, after the output is written: a stuck worker thread would keep the process alive.
    if (status !== undefined) process.stdout.write('', () => process.exit(status));
  },
  (error: Error) => {
    const isExpected = error instanceof UsageError || error instanceof StartError;
    process.stderr.write(`apsnap: ${isExpected ? error.message.replaceAll('\n', ' ') : error.stack}\n`);
    process.exit(error instanceof UsageError ? 2 : 1);
  },
);
