// Which module may import which: the arrows of the design, checked by `yarn lint`.

/** From below to above. A layer imports itself and what its line names, nothing else. */
const base = ['terms', 'cards'];
const models = [...base, 'kernels', 'engine', 'ops', 'layers'];
const library = [...models, 'theory', 'numbers', 'formats', 'data', 'architectures'];
const layers = {
  terms: [],
  cards: ['terms'],
  theory: base,
  kernels: base,
  engine: [...base, 'kernels'],
  ops: [...base, 'kernels', 'engine'],
  layers: [...base, 'kernels', 'engine', 'ops'],
  formats: [...models, 'numbers'],
  data: [...models, 'formats'],
  architectures: [...models, 'formats'],
  numbers: base,
  planner: [...base, 'theory'],
  profiler: models,
  training: library,
  audit: [...library, 'numbers', 'planner', 'training', 'inference'],
  inference: library,
  golden: [...library, 'training', 'inference'],
  bench: [...library, 'training', 'report'],
  node: library,
};

const arrow = (layer, below) => ({
  name: `arrow-${layer}`,
  comment: `src/${layer} may import ${below.length > 0 ? below.join(', ') : 'nothing else of src'}.`,
  severity: 'error',
  from: { path: `^src/${layer}/` },
  to: { path: '^(src|scripts|test)/', pathNot: `^src/(${[layer, ...below].join('|')})/` },
});
const arrows = Object.entries(layers).map(([layer, below]) => arrow(layer, below));

// A report may name the types of what it shows, but runs nothing of it.
const arrowReport = arrow('report', [...base, 'theory']);
arrowReport.to.dependencyTypesNot = ['type-only'];
const arrowReportTypes = {
  ...arrow('report', [...library, 'numbers', 'planner', 'audit']),
  name: 'arrow-report-types',
};

const noTensors = 'theory|terms|cards|report';

module.exports = {
  forbidden: [
    ...arrows,
    arrowReport,
    arrowReportTypes,
    {
      name: 'no-cycles',
      comment: 'Two files that import each other cannot be understood one at a time.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-tensor-library',
      comment: 'Formulas, words, cards and reports know nothing of tensors.',
      severity: 'error',
      from: { path: `^src/(${noTensors})/` },
      to: { path: '(^|node_modules/)@tensorflow/' },
    },
    {
      name: 'node-only-where-allowed',
      comment: 'Everything else must run unchanged in a page.',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: ['^src/node/', '^src/engine/native/', '^src/engine/wasm/node-threads\\.ts$'],
      },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'src-imports-no-scripts',
      comment: 'Commands call the library, never the other way round.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(scripts|test)/' },
    },
    {
      name: 'no-tests-in-scripts',
      severity: 'error',
      from: { path: '^scripts/' },
      to: { path: '^test/' },
    },
    {
      name: 'resolvable',
      comment: 'An import that leads nowhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'declared',
      comment: 'A package that package.json does not name, or names for development only.',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-orphans',
      comment: 'A file that nothing imports and that imports nothing is dead.',
      severity: 'error',
      from: { orphan: true, path: '^src/', pathNot: '\\.d\\.ts$' },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'],
    },
  },
};
