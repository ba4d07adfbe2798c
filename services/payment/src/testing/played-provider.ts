import { newId } from '@holdfast/shared/ids';
import type { Answer, Intent, Provider } from '../provider/provider.ts';

/** An answer with an intent of our usual amount. */
export function intent(status: Intent['status'], change: Partial<Intent> = {}): Answer<Intent> {
  return {
    kind: 'ok',
    value: {
      reference: `pi_${newId('msg')}`,
      status,
      currency: 'EUR',
      amount: 4_500n,
      amountCapturable: status === 'authorised' ? 4_500n : 0n,
      amountCaptured: status === 'captured' ? 4_500n : 0n,
      redirectUrl: null,
      failure: null,
      fee: null,
      ...change,
    },
  };
}

export interface PlayedProvider extends Provider {
  /** What it was asked, in order: the call, and its key where it has one. */
  readonly asked: readonly string[];
}

/** A provider that answers as the test says, and otherwise as one where all goes well; a question that no test expects fails. */
export function playProvider(answers: Partial<Provider> = {}): PlayedProvider {
  const asked: string[] = [];
  const record =
    <A extends unknown[], R>(name: string, answer: (...args: A) => R) =>
    (...args: A): R => {
      const request: unknown = args[0];
      const key = typeof request === 'object' && request !== null && 'key' in request ? String(request.key) : null;
      // Keys begin with our random ids; what follows them is what a test can know.
      asked.push(key === null ? name : `${name} ${key.split('/').slice(1).join('/')}`.trim());
      return answer(...args);
    };
  const unexpected = () => Promise.reject(new Error('not expected in this test'));
  return {
    name: 'stripe',
    asked,
    createIntent: record('create', answers.createIntent ?? (() => Promise.resolve(intent('open')))),
    confirmIntent: record('confirm', answers.confirmIntent ?? (() => Promise.resolve(intent('authorised')))),
    captureIntent: record('capture', answers.captureIntent ?? (() => Promise.resolve(intent('captured')))),
    cancelIntent: record('cancel', answers.cancelIntent ?? (() => Promise.resolve(intent('canceled')))),
    retrieveIntent: record('retrieve', answers.retrieveIntent ?? unexpected),
    refund: record('refund', answers.refund ?? unexpected),
    findRefund: record('find refund', answers.findRefund ?? unexpected),
    listIntents: record('list', answers.listIntents ?? unexpected),
  };
}
