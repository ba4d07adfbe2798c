/**
 * The registry of problem codes. Types, the OpenAPI document and the pages at /problems/<code> come from here, so a code that is not
 * in this table cannot be answered. `retryable` tells a client whether the same request may succeed later.
 */
export const PROBLEMS = {
  // Malformed requests
  malformed_json: {
    status: 400,
    title: 'The body is not valid JSON',
    retryable: false,
    about: 'Send one JSON document in UTF-8.',
  },
  malformed_request: {
    status: 400,
    title: 'The request is malformed',
    retryable: false,
    about: 'A header or the request line cannot be understood.',
  },
  idempotency_key_missing: {
    status: 400,
    title: 'The Idempotency-Key header is missing',
    retryable: false,
    about:
      'This call changes something that must not happen twice. Send an Idempotency-Key of your own making, and the same one when you repeat the call.',
  },
  idempotency_key_invalid: {
    status: 400,
    title: 'The Idempotency-Key is not usable',
    retryable: false,
    about: 'A key has 1 to 255 visible ASCII characters, quoted or bare.',
  },
  payload_too_large: {
    status: 413,
    title: 'The body is too large',
    retryable: false,
    about: 'JSON bodies may have up to 64 KiB, provider callbacks and CSV imports up to 1 MiB.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'The body must be application/json',
    retryable: false,
    about: 'Send Content-Type: application/json, in UTF-8 and without Content-Encoding.',
  },
  validation_failed: {
    status: 422,
    title: 'The request has wrong values',
    retryable: false,
    about: '`errors` lists each wrong field with a JSON pointer. Unknown fields are wrong too.',
  },
  idempotency_key_reused: {
    status: 422,
    title: 'The Idempotency-Key was used for another request',
    retryable: false,
    about: 'A key stands for one request. Make a new key for a new request.',
  },

  // Identity
  unauthenticated: {
    status: 401,
    title: 'Sign in first',
    retryable: false,
    about: 'Send Authorization: Bearer <access_token> with a token that has not expired.',
  },
  invalid_credentials: {
    status: 401,
    title: 'Email or password is wrong',
    retryable: false,
    about: 'Unknown addresses and wrong passwords get this same answer.',
  },
  refresh_invalid: {
    status: 401,
    title: 'The refresh token is not valid',
    retryable: false,
    about: 'It is unknown, expired or revoked: sign in again.',
  },
  refresh_reused: {
    status: 401,
    title: 'The refresh token was used before',
    retryable: false,
    about: 'All sessions that descend from it were ended: sign in again.',
  },
  forbidden: {
    status: 403,
    title: 'Your role does not allow this',
    retryable: false,
    about: 'Catalogue writes need the role admin, operations need operator or admin.',
  },
  csrf_refused: {
    status: 403,
    title: 'The request may come from another site',
    retryable: false,
    about:
      'A request that a session cookie speaks for and that changes something needs the header X-CSRF-Token with the csrf_token of the session, and must come from this site.',
  },
  mailed_token_invalid: {
    status: 422,
    title: 'The token of the mail does not work',
    retryable: false,
    about: 'It is unknown, expired or was used before: ask for a new mail.',
  },
  dead_letter_settled: {
    status: 409,
    title: 'The dead letter is in another state',
    retryable: false,
    about:
      'Only an OPEN letter can be replayed or discarded, only a DISCARDED one restored. Its state is in the detail.',
  },
  dead_letter_unreadable: {
    status: 409,
    title: 'No consumer can read this message',
    retryable: false,
    about: 'Its payload is none of our events, so there is nothing to replay. Discard it.',
  },
  dead_letter_overtaken: {
    status: 409,
    title: 'The events of this booking stand somewhere else',
    retryable: false,
    about: 'An earlier event has to be settled first, or a later one has taken effect since.',
  },
  dead_letter_replay_over: {
    status: 409,
    title: 'This replay runs no more',
    retryable: false,
    about: 'It has come to its end, or was stopped.',
  },
  audit_not_restorable: {
    status: 409,
    title: 'This is not undone by a change of the object',
    retryable: false,
    about:
      'Changes, archiving and restoring of venues, resources, halls and events can be taken back. For anything else use the call that does the opposite.',
  },
  saga_not_retryable: {
    status: 409,
    title: 'The saga waits for nothing',
    retryable: false,
    about: 'Nothing is under way that could be asked for again. Its state is in the detail.',
  },
  saga_not_compensable: {
    status: 409,
    title: 'There is nothing to take back',
    retryable: false,
    about: 'The checkout has ended or is being taken back already. A confirmed booking is cancelled instead.',
  },
  saga_not_resolvable: {
    status: 409,
    title: 'The saga cannot be settled by hand',
    retryable: false,
    about: 'Only a saga that is STUCK, or one that gives money back, can be. Compensate one that is still under way.',
  },
  last_admin: {
    status: 409,
    title: 'Nobody else is an administrator',
    retryable: false,
    about: 'Make another user an administrator first.',
  },
  email_taken: { status: 409, title: 'This email address has an account', retryable: false, about: 'Sign in instead.' },

  // General
  misdirected_request: {
    status: 421,
    title: 'This host is not served here',
    retryable: false,
    about: 'The Host header must be one of the names in HOLDFAST_PUBLIC_HOSTS.',
  },
  origin_not_allowed: {
    status: 403,
    title: 'Pages of this origin may not call the API',
    retryable: false,
    about: 'A browser sent this for a web page. Its origin must be named in HOLDFAST_CORS_ORIGINS.',
  },
  not_found: {
    status: 404,
    title: 'There is no such thing, or it is not yours',
    retryable: false,
    about: 'Malformed ids get this answer too.',
  },
  method_not_allowed: {
    status: 405,
    title: 'This resource does not know the method',
    retryable: false,
    about: 'The Allow header lists what it knows.',
  },
  conflict: {
    status: 409,
    title: 'The request does not fit the present state',
    retryable: false,
    about: 'Read the object again and decide anew.',
  },
  version_mismatch: {
    status: 412,
    title: 'The object has changed',
    retryable: false,
    about: 'Read it again and repeat the change with its new ETag.',
  },
  version_required: {
    status: 428,
    title: 'If-Match is required',
    retryable: false,
    about: 'Send the ETag of the version that you mean to change.',
  },
  text_messages_off: {
    status: 409,
    title: 'This installation sends no text messages',
    retryable: false,
    about: 'Mails are sent; whoever runs the installation has named no provider of text messages.',
  },
  phone_code_wrong: {
    status: 422,
    title: 'The code is wrong',
    retryable: false,
    about: 'Send the six digits of the last text message. After five wrong ones ask for a new code.',
  },
  phone_code_expired: {
    status: 409,
    title: 'The code cannot be used any more',
    retryable: false,
    about: 'It is older than ten minutes, or five wrong ones were sent. Register the number again to get a new one.',
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests',
    retryable: true,
    about: 'Wait for the seconds in Retry-After.',
  },
  internal_error: {
    status: 500,
    title: 'Something failed on our side',
    retryable: true,
    about: 'Repeat the request with the same Idempotency-Key. Quote request_id when you report it.',
  },
  dependency_unavailable: {
    status: 503,
    title: 'A part of the system does not answer',
    retryable: true,
    about: 'Repeat the request with the same Idempotency-Key after Retry-After seconds.',
  },
  overloaded: {
    status: 503,
    title: 'Too many requests wait already',
    retryable: true,
    about: 'Nothing was done. Repeat the request with the same Idempotency-Key after Retry-After seconds.',
  },
  timeout: {
    status: 504,
    title: 'The answer took too long',
    retryable: true,
    about: 'Repeat the request with the same Idempotency-Key to learn its outcome.',
  },
  idempotency_in_progress: {
    status: 409,
    title: 'The first request with this key is still running',
    retryable: true,
    about: 'Repeat it after Retry-After seconds.',
  },

  // Catalogue
  in_use: {
    status: 409,
    title: 'Live bookings depend on this',
    retryable: false,
    about: 'Wait for them to end or cancel them first.',
  },
  archived: { status: 409, title: 'This was archived', retryable: false, about: 'Restore it first.' },

  // Inventory and bookings
  inventory_unavailable: {
    status: 409,
    title: 'Somebody else has it',
    retryable: false,
    about: '`unavailable` names what is taken, `alternatives` up to five things that were free a moment ago.',
  },
  too_many_holds: {
    status: 409,
    title: 'You hold too many bookings',
    retryable: false,
    about: 'Pay or cancel one of your unpaid bookings first. Occurrences of series are counted by themselves.',
  },
  too_many_places: {
    status: 422,
    title: 'Too many places for one booking',
    retryable: false,
    about: 'The limit of the event or of the installation is in `detail`.',
  },
  unknown_seat: {
    status: 422,
    title: 'The hall has no such seat',
    retryable: false,
    about: '`errors` points at each.',
  },
  duplicate_seat: {
    status: 422,
    title: 'A seat is named twice',
    retryable: false,
    about: '`errors` points at each repetition.',
  },
  unknown_category: {
    status: 422,
    title: 'The event has no such price category',
    retryable: false,
    about: 'Categories stand in the prices of the event.',
  },
  event_over: {
    status: 422,
    title: 'The event has started or ended',
    retryable: false,
    about: 'Only events that have not started can be booked.',
  },
  event_cancelled: {
    status: 422,
    title: 'The event was cancelled',
    retryable: false,
    about: 'It does not take place; whoever had booked gets everything back.',
  },
  sales_not_open: {
    status: 422,
    title: 'Sales have not begun',
    retryable: true,
    about: 'The event can be booked from its sales_open_at on.',
  },
  no_waitlist: {
    status: 422,
    title: 'Nobody can wait for this',
    retryable: false,
    about: 'Its price is made at the moment of the hold and by another service alone, so nothing can be offered later.',
  },
  no_longer_offered: {
    status: 409,
    title: 'This is not offered any more',
    retryable: false,
    about: 'The service that makes the prices of this event has taken it out of sale; its reason is in `reason`.',
  },
  quote_unavailable: {
    status: 503,
    title: 'The price cannot be told at present',
    retryable: true,
    about:
      'Prices of this event are made by another service, which does not answer. Nothing was booked. Repeat the request with the same Idempotency-Key after Retry-After seconds.',
  },
  sales_closed: {
    status: 422,
    title: 'Sales are over',
    retryable: false,
    about: 'The event can be booked until its sales_close_at.',
  },
  inventory_mismatch: {
    status: 422,
    title: 'This event is not booked that way',
    retryable: false,
    about: 'Halls are booked by seats or quantity, pools by quantity.',
  },
  in_the_past: {
    status: 422,
    title: 'The time lies in the past',
    retryable: false,
    about: 'Choose a slot that has not started.',
  },
  outside_opening_hours: {
    status: 422,
    title: 'Closed at that time',
    retryable: false,
    about: 'The opening hours are those of the resource in the time zone of its venue.',
  },
  off_grid: {
    status: 422,
    title: 'The time is not on the slot grid',
    retryable: false,
    about: 'Starts and ends lie on multiples of slot_minutes from opening time.',
  },
  invalid_duration: {
    status: 422,
    title: 'That many slots cannot be booked at once',
    retryable: false,
    about: 'See min_slots and max_slots of the resource.',
  },
  series_conflicts: {
    status: 409,
    title: 'Not every occurrence can be had',
    retryable: false,
    about:
      '`occurrences` has a verdict for each. Send skip_conflicts to leave out what is taken or closed, exceptions to leave out some, or another rule. Nothing was held.',
  },
  too_many_series: {
    status: 409,
    title: 'You have too many series',
    retryable: false,
    about: 'Pay or cancel what is unpaid or still waiting of your other series first.',
  },
  invalid_recurrence: {
    status: 422,
    title: 'The recurrence rule cannot be used',
    retryable: false,
    about: '`errors` says what is wrong with the rule or with the first occurrence.',
  },
  endless_recurrence: {
    status: 422,
    title: 'The recurrence rule has no end',
    retryable: false,
    about: 'Add COUNT or UNTIL.',
  },
  too_many_occurrences: {
    status: 422,
    title: 'The series has too many occurrences',
    retryable: false,
    about: 'A series has at most 1,000 occurrences.',
  },
  unknown_occurrence: {
    status: 422,
    title: 'The series has no such occurrence',
    retryable: false,
    about: 'An occurrence is named by its local time by the rule, e.g. 2027-01-04T18:00.',
  },
  nothing_to_wait_for: {
    status: 409,
    title: 'It is free now',
    retryable: false,
    about: 'Hold it instead of waiting for it.',
  },
  already_waiting: {
    status: 409,
    title: 'You wait for this already',
    retryable: false,
    about: 'One entry for one thing: leave the one that you have to wait for more or less of it.',
  },
  too_many_waits: {
    status: 409,
    title: 'You wait for too many things',
    retryable: false,
    about: 'Leave one of the lines first.',
  },
  never_available: {
    status: 422,
    title: 'That is more than there can ever be',
    retryable: false,
    about: 'Not even with everything free: ask for fewer places, or places that need not be together.',
  },
  not_waiting: {
    status: 409,
    title: 'The entry is over',
    retryable: false,
    about: 'Its offer was accepted or has lapsed. Cancel the booking to give up what was accepted.',
  },
  hold_expired: { status: 409, title: 'The hold has run out', retryable: false, about: 'Book again.' },
  hold_extension_exhausted: {
    status: 409,
    title: 'The hold cannot be extended again',
    retryable: false,
    about: 'A hold is extended once and never past its maximum.',
  },
  already_paid: {
    status: 409,
    title: 'The booking is paid',
    retryable: false,
    about: 'Read the booking for its state.',
  },
  payment_declined: {
    status: 402,
    title: 'The payment was declined',
    retryable: false,
    about: 'Try another payment method while the hold lasts; after the third decline the booking has FAILED.',
  },
  not_payable: {
    status: 409,
    title: 'The booking cannot be paid in its state',
    retryable: false,
    about: 'Only a HELD booking can be paid.',
  },
  not_cancellable: {
    status: 409,
    title: 'The booking cannot be cancelled in its state',
    retryable: false,
    about: 'It is over, or it ended another way.',
  },
  not_checkable: {
    status: 409,
    title: 'The booking lets nobody in',
    retryable: false,
    about:
      'Only a CONFIRMED booking is checked in. `reason` says why this one is not: `not_paid`, `cancelled`, `refunded`, `expired`, `failed`, `over` or `event_cancelled`.',
  },
  not_completable: {
    status: 409,
    title: 'The booking cannot be completed in its state',
    retryable: false,
    about: 'Only a CONFIRMED or CHECKED_IN booking is completed; `detail` has its status.',
  },
  ticket_invalid: {
    status: 422,
    title: 'This is no ticket of ours',
    retryable: false,
    about: 'The text was not signed with one of our keys, or it was changed, or it is not a ticket at all.',
  },
  ticket_wrong_booking: {
    status: 409,
    title: 'The ticket is one of another booking',
    retryable: false,
    about:
      'It is genuine: check in the booking whose reference it carries. `reason` is `wrong_event` where that is for another event, else `wrong_booking`.',
  },
  refund_exceeds_captured: {
    status: 409,
    title: 'More than was captured cannot go back',
    retryable: false,
    about: 'See the payment for what was captured and refunded.',
  },
  finding_closed: {
    status: 409,
    title: 'The finding is not open',
    retryable: false,
    about: 'It was resolved, repaired, or is found no more; see its state.',
  },
  finding_not_refundable: {
    status: 409,
    title: 'This finding is not about money that can go back by itself',
    retryable: false,
    about:
      'Only what the provider took without a payment of ours is paid back from a finding. Money of a payment goes back by its refunds; everything else is done at the provider.',
  },
  finding_refund_under_way: {
    status: 409,
    title: 'This money goes back already, or has gone',
    retryable: false,
    about: 'An intent is paid back once; see the refund of the finding, or of another one about the same intent.',
  },
  refund_amount_invalid: {
    status: 422,
    title: 'A refund has an amount of at least one minor unit',
    retryable: false,
    about: 'Amounts are whole minor units: 1 is the least that can go back.',
  },
  refund_currency_mismatch: {
    status: 422,
    title: 'The refund is in another currency than the payment',
    retryable: false,
    about: 'Money goes back in the currency in which it was taken; the currency may be left out.',
  },

  // Provider callbacks
  signature_missing: {
    status: 400,
    title: 'The callback is not signed',
    retryable: false,
    about: 'Send Stripe-Signature with t and v1.',
  },
  signature_invalid: {
    status: 400,
    title: 'The signature does not fit the body',
    retryable: false,
    about: 'The signature is taken over the raw bytes with one of the configured secrets.',
  },
  timestamp_out_of_tolerance: {
    status: 400,
    title: 'The callback is too old or from the future',
    retryable: false,
    about: 'Its timestamp must lie within 300 s of our clock.',
  },
  malformed: {
    status: 400,
    title: 'The callback is signed but not JSON',
    retryable: false,
    about: 'Send the event as JSON.',
  },
  source_not_allowed: {
    status: 403,
    title: 'Callbacks are not taken from this address',
    retryable: false,
    about: 'See HOLDFAST_WEBHOOK_ALLOWED_CIDRS.',
  },

  // Webhooks that we send
  webhook_url_refused: {
    status: 422,
    title: 'Webhooks are not sent to this address',
    retryable: false,
    about:
      'The address must be https, without user and password, at an allowed port, and its name must lead to public addresses only. `errors` says what is wrong.',
  },
  webhook_endpoint_disabled: {
    status: 409,
    title: 'The endpoint is switched off',
    retryable: false,
    about: 'Switch it on first: PATCH it with status ENABLED.',
  },
} as const satisfies Record<string, ProblemDefinition>;

export interface ProblemDefinition {
  readonly status: number;
  readonly title: string;
  readonly retryable: boolean;
  /** What a client can do about it; the text of the page. */
  readonly about: string;
}

export type ProblemCode = keyof typeof PROBLEMS;

/** One wrong field: a JSON pointer into the body (or `?name` for the query, `#name` for a header). */
export interface FieldError {
  pointer: string;
  code: string;
  message: string;
}

/** The body of an error answer (RFC 9457). */
export interface ProblemBody {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ProblemCode;
  request_id: string;
  retryable: boolean;
  errors?: FieldError[];
  [extension: string]: unknown;
}

export interface ProblemOptions {
  readonly detail?: string;
  readonly errors?: readonly FieldError[];
  /** Members beside the standard ones, e.g. `unavailable`. */
  readonly extensions?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** What failed; for the log, never for the client. */
  readonly cause?: unknown;
}

/** A refusal on its way to the client. Thrown in HTTP code only: use cases return refusals as values. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly options: ProblemOptions;

  constructor(code: ProblemCode, options: ProblemOptions = {}) {
    super(options.detail ?? PROBLEMS[code].title, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'Problem';
    this.code = code;
    this.options = options;
  }

  get status(): number {
    return PROBLEMS[this.code].status;
  }

  /** Headers that go with the answer; a retryable refusal always says when. */
  get headers(): Record<string, string> {
    const base: Record<string, string> =
      this.status === 503 || this.status === 429 || this.code === 'idempotency_in_progress'
        ? { 'Retry-After': '1' }
        : {};
    if (this.status === 401) base['WWW-Authenticate'] = 'Bearer realm="holdfast"';
    return { ...base, ...this.options.headers };
  }

  toBody(requestId: string): ProblemBody {
    const definition = PROBLEMS[this.code];
    return {
      type: `/problems/${this.code}`,
      title: definition.title,
      status: definition.status,
      detail: this.options.detail ?? definition.about,
      code: this.code,
      request_id: requestId,
      retryable: definition.retryable,
      ...(this.options.errors ? { errors: [...this.options.errors] } : {}),
      ...this.options.extensions,
    };
  }
}
