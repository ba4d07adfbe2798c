/** The official images that the tests run on with TEST_INFRA=containers. */
export const IMAGES = {
  postgres: 'postgres:18-alpine',
  nats: 'nats:2.10-alpine',
  redis: 'redis:7-alpine',
} as const;

/** Every container of a test run carries this label with the run's folder, so that the run can end what a test left behind. */
export const RUN_LABEL = 'holdfast.test-dir';
