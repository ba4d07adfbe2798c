/** Help texts, shown before anything is installed. */
export const USAGE = {
  start: `npm start [-- --once]

Sets up and starts the whole stack in the foreground: PostgreSQL, NATS, Redis, the four services, a payment provider
simulator and a mail catcher. Makes one real booking of each kind and prints its timeline, then where everything is.
Ctrl-C stops all of it.

  --once      stop after the first bookings, with exit code 0
  --help      this text

Environment (all optional; the README lists every variable):
  HOLDFAST_GATEWAY_PORT        8080; 0 picks a free port
  HOLDFAST_DATA_DIR            .holdfast in the checkout
  HOLDFAST_ADMIN_EMAIL, HOLDFAST_ADMIN_PASSWORD
  HOLDFAST_POSTGRES_ADMIN_URL, NATS_URL, REDIS_URL     use running servers instead of starting some
  HOLDFAST_POSTGRES_BIN, HOLDFAST_NATS_SERVER, HOLDFAST_REDIS_SERVER     programs to start
  HOLDFAST_REDIS               auto; off runs without Redis
`,
  test: `npm test [-- jest arguments]

Starts servers of its own for the tests, runs jest against them, and stops them. Ends with one line
"N passed, N failed, N skipped"; the exit code is 0 only when nothing failed and something passed.

  npm test                               everything
  npm test -- services/booking           one folder or file
  npm test -- -t "a taken seat"          tests whose name matches
  npm test -- --servers                  start the servers, print their environment, and wait for Ctrl-C
  npm test -- --help                     this text
`,
  status: `npm run -s status [-- --json]

Shows the processes of the stack that runs from this checkout. Exit code 1 when nothing runs.

  --json      one JSON object: {"gateway":{"url","pid"}, ..., "redis":{"url","pid"} or null}
  --help      this text
`,
  holdfast: `npm run -s holdfast -- <command> [options]

For operators: asks a gateway and shows what it answers. Without --url it is the gateway that runs from this checkout.
The same as pnpm holdfast <command>, and holdfast <command> after npm link. Colours are for terminals, and not with NO_COLOR.

  explain <reference or id>   what happened to a booking, over all services, each line with what led to it
  attention                   what needs a person, the longest first
  status                      the processes of the stack that runs from this checkout
  integrity [run]             each invariant of the data with its last result; run checks all now and waits for the end
  payments [of]               payments that need somebody and differences to the provider's books; of a booking, a reference or a
                              payment: attempts, calls to the provider, refunds, ledger
  outbox                      what waits on its way between services: at each sender and at each consumer
  audit [id of an object]     who did what by hand, newest first; audit verify: whether somebody changed that log afterwards
  dead-letters                what consumers gave up, in groups; then list, <id>, replay <id>, discard <id> <reason>, restore <id>,
                              count and replay-all with service=, consumer=, type=, cause= and rate=, progress <job>, stop <job>
  sagas [id of a booking]     checkouts that do not go on or are late, or the checkout of one booking
  trigger [scene]             plays something with a customer of the demonstration, as a declined card or a late callback, and says what
                              to look at; without a scene, what there is. Only in the stack of this checkout, with the simulator
  listen                      a line for each event as it is published, until Ctrl-C, without what is personal. --subject booking.hold.>
                              takes some; --since 10m (or a time) begins with those before. From NATS_URL, or that of this checkout
  admin create <email> [name] an administrator; the password comes on stdin, or is asked for
  admin role <email> <role>   makes somebody customer, operator or admin
  admin rotate-keys <which>   a new key for tokens or tickets: docs/rotating-secrets.md
  doctor                      whether the services and their servers are as they should be, and what to do where not. Asks the
                              servers of this checkout, or those of HOLDFAST_POSTGRES_ADMIN_URL, NATS_URL and REDIS_URL
  database                    what is slow, unused or growing in PostgreSQL, and what to do about it: docs/runbooks/database.md. Of this
                              checkout's database, or that of HOLDFAST_POSTGRES_ADMIN_URL
  backup <folder>             every table of all services as of one moment, while they run; of this checkout's database, or that of
                              HOLDFAST_POSTGRES_ADMIN_URL
  drill <folder>              restores a backup into a PostgreSQL that is thrown away, and checks it; changes nothing else
  restore <folder>            a deployment as it was then: docs/runbooks/backup.md. --forget-streams removes what NATS still has

  --url URL      the gateway; HOLDFAST_URL in the environment
  --token TOKEN  an access token; HOLDFAST_TOKEN in the environment. Otherwise the administrator of HOLDFAST_ADMIN_EMAIL
                 and HOLDFAST_ADMIN_PASSWORD, by default the one that npm start made
  --json         the answer of the gateway as one JSON object
  --help         this text

Examples:
  npm run -s holdfast -- explain BK20270104-7K3M9Q
  npm run -s holdfast -- attention --json
  npm run -s holdfast -- doctor
  npm run -s holdfast -- integrity run
  npm run -s holdfast -- trigger late-callback
  npm run -s holdfast -- listen --subject 'payment.>' --since 1h
  npm run -s holdfast -- admin create ruth@example.com 'Ruth Adeyemi' < password-file
  npm run -s holdfast -- payments BK20270104-7K3M9Q

Exit code: 0 shown, 1 refused or not found, or doctor found a fault, or integrity something broken, 64 when this command was called wrongly, 69 when the gateway or a service cannot be
reached, 77 when the sign-in is not enough.
`,
  coverage: `npm run coverage [-- folders and jest arguments]

Runs the tests that stand beside the code and fails when fewer than 80 % of its lines or 75 % of its branches were reached. What only
the tests over several processes reach counts as not covered. The report for tools is .holdfast/coverage/lcov.info.

  --help      this text
`,
  'event-catalogue': `npm run event-catalogue [-- options]

Writes docs/asyncapi.json, the AsyncAPI 3.0 document of all events, from the schemas in packages/shared/src/contracts. \`npm run check\`
fails while that file is old, or when the events of this tree and those of the last release (docs/asyncapi.released.json) would
misread each other.

  --check        writes nothing, and says what is wrong
  --release      makes the document that of the last release, when both understand each other
  --drop TYPE    with --release: an event that the last release still had goes, e.g. holdfast.hold.held.v1; may be repeated
  --help         this text

Exit code: 0 when all is well, 1 when something would be misread or is old, 64 when this command was called wrongly.
`,
  fuzz: `npm run fuzz [-- options]

Starts a stack of its own and sends it requests made of its OpenAPI document, right ones and nearly right ones, as two customers,
an operator, an administrator and nobody. What answers show is used in later requests. A 5xx, an answer that the document
does not allow, an id of one customer in an answer to the other, or a broken promise of the data is a finding.

  --seed N       makes the same choices again; a random one by default, which is shown
  --requests N   2000
  --json         one JSON object on stdout; progress goes to stderr
  --help         this text

Exit code: 0 without findings, 1 with findings, 64 when this command was called wrongly, 130 when it was stopped.
`,
  'planted-bugs': `npm run planted-bugs [-- options] [bug …]

Proves that the tests can fail. Copies the checkout, plants one bug after the other by a patch of tests/planted-bugs, and runs
the one test that must see it: first without the bug, then with it. Name bugs to plant only these.

  --list      the bugs, with the test of each
  --json      one JSON object on stdout: {"ok","bugs":[{"name","breaks","test","verdict","reason","ms"}]}; progress goes to stderr
  --help      this text

Verdicts: caught; missed, when the test passes with the bug; broken, when the run proves nothing (the test fails without the bug
too, was not found, or could not be run).
Exit code: 0 when every bug was caught, 1 when one was not, 64 when this command was called wrongly, 130 when it was stopped.
`,
  'test:nemesis': `npm run test:nemesis [-- options]

Starts a stack of its own, lets clients book, pay, extend and cancel, and meanwhile kills, stops and cuts off its processes and
servers, at named points of the code among others. Then it heals everything, waits until nothing is under way, and holds what the
clients were told against the bookings, the provider's journal and the mails that arrived. Shows what was done to what and when.

  --seed N       makes the same plan again; a random one by default, which is shown
  --seeds N      runs N seeds from the first one on; 1
  --seconds N    least length of the workload of a seed, 20 or more; 30
  --answer-ms N  longest answer that is taken; 3000
  --json         one JSON object on stdout: {"ok","seconds","seeds":[{"seed","ok","broken","faults",…}]}; progress goes to stderr
  --help         this text

Exit code: 0 when every promise was kept and every fault came at its moment, 1 otherwise, 64 when this command was called wrongly,
130 when it was stopped.
`,
};

/** Of each command of `holdfast`: what somebody types. */
const HOLDFAST_EXAMPLES = {
  explain: ['explain BK20270104-7K3M9Q'],
  attention: ['attention', 'attention --json'],
  status: ['status', 'status --json'],
  integrity: ['integrity', 'integrity run'],
  payments: ['payments', 'payments BK20270104-7K3M9Q'],
  outbox: ['outbox'],
  audit: ['audit', 'audit ven_01k9zzzzzzzzzzzzzzzzzzzzzz', 'audit verify'],
  'dead-letters': [
    'dead-letters',
    'dead-letters replay dlq_01k9zzzzzzzzzzzzzzzzzzzzzz',
    'dead-letters replay-all service=payment cause=attempts_exhausted rate=20',
  ],
  sagas: ['sagas', 'sagas bkg_01k9zzzzzzzzzzzzzzzzzzzzzz'],
  trigger: ['trigger', 'trigger late-callback'],
  listen: ['listen', "listen --subject 'payment.>' --since 1h", 'listen --json'],
  admin: [
    "admin create ruth@example.com 'Ruth Adeyemi' < password-file",
    'admin role ruth@example.com operator',
    'admin rotate-keys tokens',
  ],
  doctor: ['doctor'],
  database: ['database'],
  backup: ['backup /srv/backups/2027-01-04'],
  drill: ['drill /srv/backups/2027-01-04'],
  restore: ['restore /srv/backups/2027-01-04 --forget-streams'],
};

export const HOLDFAST_COMMANDS = Object.keys(HOLDFAST_EXAMPLES);

/** The help of one command, cut out of the whole, with its examples. */
export function holdfastHelp(command) {
  const lines = USAGE.holdfast.split('\n');
  // A command's line, and those below it that are indented further.
  const own = lines.filter((line, index) => {
    let at = index;
    while (/^ {8}/.test(lines[at])) at -= 1;
    return new RegExp(`^ {2}${command}(?= )`).test(lines[at]);
  });
  const from = lines.findIndex((line) => line.startsWith('  --url'));
  const options = lines.slice(from, lines.indexOf('', from));
  const examples = HOLDFAST_EXAMPLES[command].map((each) => `  npm run -s holdfast -- ${each}`);
  return [...own, '', ...options, '', 'Examples:', ...examples, ''].join('\n');
}
