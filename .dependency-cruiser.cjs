// The boundaries of docs/architecture.md, enforced: pure folders stay pure, each native dependency has one owner.
const PURE = '^src/(features|decoding|korean|intents)/';
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'pure-code-has-no-io',
      comment: 'features, decoding, korean and intents run anywhere: no Node I/O, no server, no native code.',
      severity: 'error',
      from: { path: PURE, pathNot: '\\.test\\.ts$' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'pure-code-has-no-server',
      severity: 'error',
      from: { path: PURE, pathNot: '\\.test\\.ts$' },
      to: { path: '(^|node_modules/)(fastify|@fastify|onnxruntime-node|ws|prom-client|bullmq|ioredis)(/|$)' },
    },
    {
      name: 'pure-code-imports-pure-code',
      severity: 'error',
      from: { path: PURE, pathNot: '\\.test\\.ts$' },
      to: { path: '^src/(audio|vad|models|recognition|jobs|http|live|metrics|web|cli|app|server|config)' },
    },
    {
      name: 'onnxruntime-only-in-models-and-vad',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(models|vad)/' },
      to: { path: 'node_modules/onnxruntime-node' },
    },
    {
      name: 'bullmq-only-in-its-adapter',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/jobs/bullmq' },
      to: { path: 'node_modules/(bullmq|ioredis)' },
    },
    {
      name: 'libsql-only-in-its-adapter',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/jobs/embedded' },
      to: { path: 'node_modules/libsql' },
    },
    {
      name: 'nothing-below-http-knows-http',
      severity: 'error',
      from: { path: '^src/(audio|vad|models|recognition|metrics)/' },
      to: { path: '^src/(http|live|cli|web|app|server)' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
