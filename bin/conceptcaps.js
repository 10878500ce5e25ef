#!/usr/bin/env node
'use strict';
const { existsSync } = require('node:fs');
const { join } = require('node:path');

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`conceptcaps: needs Node.js 20.19 or newer; this is ${process.versions.node}.\n`);
  process.exit(1);
}
const main = join(__dirname, '..', 'dist', 'cli', 'main.js');
if (!existsSync(main)) {
  process.stderr.write('conceptcaps: not built yet; run `npm ci` (or `npm run build`) in the project first.\n');
  process.exit(1);
}
require(main).main(process.argv);
