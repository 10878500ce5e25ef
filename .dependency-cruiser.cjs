// The one direction of imports: server, cli -> resolvers -> generation, dataset, concepts -> inference, audio -> platform.
const layer = (name, from, to, why) => ({
  name,
  comment: why,
  severity: 'error',
  from: { path: `^src/(${from})/` },
  to: { path: `^src/(${to})/` },
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'A cycle hides which side owns what.',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'concepts-import-only-themselves',
      severity: 'error',
      comment: 'concepts/ is pure: no I/O, no packages, nothing of ours.',
      from: { path: '^src/concepts/' },
      to: { pathNot: '^src/concepts/' },
    },
    layer(
      'platform-is-the-ground',
      'platform',
      'concepts|schema|resolvers|dataset|generation|inference|audio|server|cli',
      'platform/ knows nothing of the domain.',
    ),
    layer(
      'audio-knows-no-domain',
      'audio',
      'concepts|schema|resolvers|dataset|generation|inference|server|cli',
      'audio/ stores bytes.',
    ),
    layer(
      'inference-stands-alone',
      'inference',
      'schema|resolvers|dataset|generation|server|cli',
      'stages know attributes and samples, not rows or requests.',
    ),
    {
      name: 'onnxruntime-by-its-loader',
      severity: 'error',
      comment: 'Loaded any other way it reports to its maker.',
      from: { pathNot: '^src/inference/onnx\\.ts$' },
      to: { path: '^node_modules/onnxruntime-node/', dependencyTypesNot: ['type-only'] },
    },
    layer(
      'dataset-below-the-api',
      'dataset',
      'schema|resolvers|generation|server|cli',
      'dataset/ does not know GraphQL.',
    ),
    layer(
      'generation-below-the-api',
      'generation',
      'schema|resolvers|server|cli',
      'generation/ does not know GraphQL.',
    ),
    layer('schema-is-the-contract', 'schema', 'resolvers|server|cli', 'schema/ declares types; it calls nothing.'),
    layer('resolvers-below-the-server', 'resolvers', 'server|cli', 'resolvers/ do not know HTTP.'),
    layer('server-does-not-import-cli', 'server', 'cli', 'cli/ starts the server, not the other way round.'),
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
