/**
 * The arrows between files, by the role that a file's name tells. Each rule says why it is there; docs/adr/0008 says why these.
 * infra/launcher/src/check/arrows.test.ts proves each of them with a file that breaks it.
 */

/** Files that may stand beside anything: they are not part of the product. */
const TESTS = '(\\.test\\.ts$|/testing/|^tests/|^bench/)';

/**
 * Pure files: they decide, and touch nothing. Recognised by their names (a folder's noun, or a rule's); add a new one here.
 */
const DOMAIN = [
  '^services/[^/]+/src/.*/[^/]*-rules\\.ts$',
  '^services/booking/src/bookings/booking\\.ts$',
  '^services/booking/src/.*/(slot-grid|opening-hours|best-adjacent|hall-layout)\\.ts$',
  '^services/booking/src/checkout-saga/checkout-saga\\.ts$',
  '^services/booking/src/pricing/price-line\\.ts$',
  '^services/payment/src/.*/(payment|refund)\\.ts$',
  '^packages/shared/src/(money|ids)\\.ts$',
];

/** Stores that stand open to the other folder of the pair, and to `holds`, which writes a booking's first row. */
const BOOKING_AND_SAGA = '^services/booking/src/(bookings/booking|checkout-saga/saga)-store\\.ts$';

export default {
  forbidden: [
    {
      name: 'routes-call-use-cases',
      comment:
        'A route translates HTTP and calls one use case. Reading a store from it spreads rules and transactions over the border.',
      severity: 'error',
      from: { path: '^services/.+routes\\.ts$' },
      to: { path: '^services/.+-store\\.ts$' },
    },
    {
      name: 'domain-is-pure',
      comment:
        'A domain file decides from what it is given, so that its rules are tested without a database and read without knowing one. It may know other domain files, money, ids, the public contracts, time zones and recurrence rules.',
      severity: 'error',
      from: { path: DOMAIN, pathNot: TESTS },
      to: {
        pathNot: [
          ...DOMAIN,
          '^packages/shared/src/contracts/',
          'temporal-polyfill',
          'rrule-temporal',
          // ids.ts draws random bytes.
          '^(node:)?(crypto|assert)$',
        ],
      },
    },
    {
      name: 'no-foreign-store',
      comment:
        "A feature's tables are its own: others go through its use cases or use its domain types, so that a table can change with one folder. A booking and its checkout saga are one thing in two folders: each transaction of one changes rows of both.",
      severity: 'error',
      from: { path: '^services/([^/]+)/src/([^/]+)/', pathNot: TESTS },
      to: { path: '^services/$1/src/.*-store\\.ts$', pathNot: ['^services/$1/src/$2/', BOOKING_AND_SAGA] },
    },
    {
      name: 'services-stand-alone',
      comment: 'Services meet over HTTP and events only; a shared file is deployed with each of them.',
      severity: 'error',
      from: { path: '^services/([^/]+)/' },
      to: { path: '^(services|infra|tests|bench)/', pathNot: ['^services/$1/', '/testing/'] },
    },
    {
      name: 'shared-knows-no-service',
      comment: 'Shared holds mechanisms and contracts. One that knows a service is that service in the wrong place.',
      severity: 'error',
      from: { path: '^packages/' },
      to: { path: '^(services|infra|tests|bench)/' },
    },
    {
      name: 'wiring-is-at-the-top',
      comment:
        'main.ts, service.ts and http.ts put things together. What imports them takes its dependencies from the whole program instead of from its arguments.',
      severity: 'error',
      from: { pathNot: ['/src/(main|service)\\.ts$', TESTS] },
      to: { path: '^(services|infra)/[^/]+/src/(main|service|http)\\.ts$' },
    },
    {
      name: 'no-cycles',
      comment:
        'Two files that need each other are one file, or hide a third. Type imports count: they are read as well.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'tests-stay-outside',
      comment: 'Production code that imports a test helper runs with it.',
      severity: 'error',
      from: { pathNot: TESTS },
      to: { path: '(\\.test\\.ts$|/testing/|^tests/)' },
    },
    {
      name: 'everything-resolves',
      comment: 'An import that the checker cannot follow is one that no rule above has looked at.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // Type imports are arrows too.
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['node', 'import', 'default'],
      extensions: ['.ts', '.mjs', '.js', '.json'],
    },
  },
};
