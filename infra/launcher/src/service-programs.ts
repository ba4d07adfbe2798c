import { createHmac } from 'node:crypto';
import type { StartConfig } from './config.ts';
import type { Secrets } from './secrets.ts';

/** Addresses that the parts of a stack know each other by. */
export interface Addresses {
  readonly gateway: string;
  readonly booking: string;
  readonly payment: string;
  readonly notification: string;
  readonly provider: string;
  readonly mail: string;
  /** The quoter of the stack, whether or not it is started. */
  readonly quoter: string;
  readonly smtp: string;
  readonly nats: string;
  /** undefined: the stack runs without. */
  readonly redis: string | undefined;
  readonly database: Readonly<Record<'identity' | 'booking' | 'payment' | 'notification', string>>;
}

/** A Node program of the workspace with its configuration. */
export interface ServiceProgram {
  readonly name: 'gateway' | 'booking' | 'payment' | 'notification' | 'provider' | 'mail' | 'quoter';
  /** Relative to the checkout. */
  readonly main: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface ServiceSettings {
  readonly addresses: Addresses;
  readonly config: StartConfig;
  readonly secrets: Secrets;
  readonly adminEmail: string;
  readonly adminPassword: string;
  readonly dataDir: string;
}

const portOf = (address: string) => new URL(address).port;

/** The mail catcher, the provider simulator and the quoter: they need no server and start first. */
export function helperPrograms(settings: ServiceSettings): ServiceProgram[] {
  const { addresses, dataDir } = settings;
  return [
    {
      name: 'mail',
      main: 'infra/mail-catcher/src/main.ts',
      env: {
        HOLDFAST_HOST: '127.0.0.1',
        HOLDFAST_MAIL_PORT: portOf(addresses.mail),
        HOLDFAST_SMTP_PORT: portOf(addresses.smtp),
      },
    },
    {
      name: 'provider',
      main: 'infra/provider-simulator/src/main.ts',
      env: {
        HOLDFAST_HOST: '127.0.0.1',
        HOLDFAST_PROVIDER_PORT: portOf(addresses.provider),
        HOLDFAST_SIMULATOR_DATA_DIR: `${dataDir}/provider`,
        HOLDFAST_SIMULATOR_CALLBACK_URL: `${addresses.gateway}/v1/webhooks/stripe`,
        HOLDFAST_SIMULATOR_WEBHOOK_SECRET: webhookSecrets(settings).split(',')[0] ?? '',
        HOLDFAST_SIMULATOR_API_KEY: settings.secrets.providerKey,
      },
    },
    // Whoever names a quoter has one.
    ...(settings.config.HOLDFAST_QUOTER_URL === undefined
      ? [
          {
            name: 'quoter' as const,
            main: 'infra/quoter/src/main.ts',
            env: {
              HOLDFAST_HOST: '127.0.0.1',
              HOLDFAST_QUOTER_PORT: portOf(addresses.quoter),
              HOLDFAST_QUOTER_SECRETS: quoterSecrets(settings),
            },
          },
        ]
      : []),
  ];
}

/** The four services. What the user set for them in the environment reaches them as it is. */
export function servicePrograms(settings: ServiceSettings): ServiceProgram[] {
  const { addresses, config, secrets } = settings;
  const common = (schema: keyof Addresses['database']) => ({
    HOLDFAST_HOST: '127.0.0.1',
    DATABASE_URL: addresses.database[schema],
    NATS_URL: addresses.nats,
    ...unlessInFile(config, 'HOLDFAST_INTERNAL_SECRET', config.HOLDFAST_INTERNAL_SECRET ?? secrets.internalSecret),
    ...(addresses.redis === undefined
      ? { HOLDFAST_REDIS: 'off' }
      : { HOLDFAST_REDIS: 'auto', REDIS_URL: addresses.redis }),
  });
  return [
    {
      name: 'booking',
      main: 'services/booking/src/main.ts',
      env: {
        ...common('booking'),
        HOLDFAST_BOOKING_PORT: portOf(addresses.booking),
        ...quoterAccess(settings),
      },
    },
    {
      name: 'payment',
      main: 'services/payment/src/main.ts',
      env: {
        ...common('payment'),
        ...providerAccess(settings),
        HOLDFAST_PAYMENT_PORT: portOf(addresses.payment),
        ...unlessInFile(config, 'HOLDFAST_STRIPE_WEBHOOK_SECRETS', webhookSecrets(settings)),
      },
    },
    {
      name: 'notification',
      main: 'services/notification/src/main.ts',
      env: {
        ...common('notification'),
        HOLDFAST_NOTIFICATION_PORT: portOf(addresses.notification),
        ...unlessInFile(config, 'HOLDFAST_SMTP_URL', config.HOLDFAST_SMTP_URL ?? addresses.smtp),
        HOLDFAST_PUBLIC_URL: addresses.gateway,
      },
    },
    {
      name: 'gateway',
      main: 'services/gateway/src/main.ts',
      env: {
        ...common('identity'),
        HOLDFAST_GATEWAY_PORT: portOf(addresses.gateway),
        HOLDFAST_BOOKING_URL: addresses.booking,
        HOLDFAST_PAYMENT_URL: addresses.payment,
        HOLDFAST_NOTIFICATION_URL: addresses.notification,
        HOLDFAST_ADMIN_EMAIL: settings.adminEmail,
        HOLDFAST_ADMIN_PASSWORD: settings.adminPassword,
      },
    },
  ];
}

/** A secret that the user keeps in a file reaches the services as that file, which they read again when it changes. */
function unlessInFile(
  config: StartConfig,
  name: 'HOLDFAST_INTERNAL_SECRET' | 'HOLDFAST_STRIPE_WEBHOOK_SECRETS' | 'HOLDFAST_SMTP_URL' | 'STRIPE_API_KEY',
  value: string,
): Record<string, string> {
  return config[`${name}_FILE`] === undefined ? { [name]: value } : {};
}

function webhookSecrets(settings: ServiceSettings): string {
  return settings.config.HOLDFAST_STRIPE_WEBHOOK_SECRETS ?? settings.secrets.webhookSecret;
}

/** The quoter of the stack, unless the user names another: then the secrets are the user's as well. */
function quoterAccess(settings: ServiceSettings): Record<string, string> {
  const { config, addresses } = settings;
  return config.HOLDFAST_QUOTER_URL === undefined
    ? { HOLDFAST_QUOTER_URL: `${addresses.quoter}/quotes`, HOLDFAST_QUOTER_SECRETS: quoterSecrets(settings) }
    : {
        HOLDFAST_QUOTER_URL: config.HOLDFAST_QUOTER_URL,
        HOLDFAST_QUOTER_SECRETS: config.HOLDFAST_QUOTER_SECRETS ?? '',
      };
}

/** Those of the user, or one that is made of the stack's own secret: folders of earlier versions have no other. */
function quoterSecrets({ config, secrets }: ServiceSettings): string {
  const made = createHmac('sha256', secrets.internalSecret).update('quoter').digest('base64url');
  return config.HOLDFAST_QUOTER_SECRETS ?? `local:${made}`;
}

/** The simulator, unless the user names another address or brings a key of the real provider. */
function providerAccess({ config, secrets, addresses }: ServiceSettings): Record<string, string> {
  if (config.STRIPE_API_KEY !== undefined && config.STRIPE_API_BASE === undefined) {
    return unlessInFile(config, 'STRIPE_API_KEY', config.STRIPE_API_KEY);
  }
  return {
    ...unlessInFile(config, 'STRIPE_API_KEY', config.STRIPE_API_KEY ?? secrets.providerKey),
    STRIPE_API_BASE: config.STRIPE_API_BASE ?? addresses.provider,
  };
}
