#!/usr/bin/env node
/** `holdfast …` as a program of its own: the verb of bootstrap.mjs, for whoever links this checkout (`npm link`). */
process.argv.splice(2, 0, 'holdfast');
await import('../bootstrap.mjs');
