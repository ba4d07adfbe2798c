import { isSmsBody } from './channels/sms-body.ts';
import { z } from 'zod';
import {
  commaList,
  databaseUrl,
  internalSecret,
  secretFile,
  natsUrl,
  secretsOf,
  commonServiceSchema,
  parseConfig,
  port,
  positiveInteger,
  url,
} from '@holdfast/shared/config';

const smtpUrl = z.string({ message: 'is required, e.g. smtp://127.0.0.1:8025' }).pipe(url('smtp', 'smtps'));

const smsAuthorization = z
  .string()
  .min(8)
  .regex(/^[\x21-\x7e][\x20-\x7e]*$/, 'must be the value of a header');

const schema = commonServiceSchema.extend({
  HOLDFAST_NOTIFICATION_PORT: port(8083),
  HOLDFAST_SMTP_URL: smtpUrl,
  HOLDFAST_SMTP_URL_FILE: secretFile,
  HOLDFAST_MAIL_FROM: z
    .string()
    .regex(/^[^<>\r\n]* <[^<>@\s]+@[^<>@\s]+>$/, 'must look like: Name <mailbox@domain>')
    .default('Holdfast <bookings@holdfast.example>'),
  HOLDFAST_PUBLIC_URL: z.string().pipe(url('http', 'https')).default('http://127.0.0.1:8080'),
  HOLDFAST_MAX_SEND_ATTEMPTS: positiveInteger(8),
  HOLDFAST_SMS_URL: z.string().pipe(url('https', 'http')).optional(),
  HOLDFAST_SMS_AUTHORIZATION: smsAuthorization.optional(),
  HOLDFAST_SMS_AUTHORIZATION_FILE: secretFile,
  HOLDFAST_SMS_FROM: z
    .string()
    .regex(/^[+A-Za-z0-9 ]{1,16}$/, 'must be a number or a short name')
    .default('Holdfast'),
  HOLDFAST_SMS_BODY: z
    .string()
    .default('{"from":"{from}","to":"{to}","text":"{text}","reference":"{id}"}')
    .refine(isSmsBody, 'must be JSON or a form, with {to} and {text} in it'),
  HOLDFAST_WEBHOOK_PORTS: z
    .string()
    .default('443,8443')
    .transform(commaList)
    .refine((ports) => ports.length > 0 && ports.every(isPort), 'must be port numbers, separated by commas')
    .transform((ports) => ports.map(Number)),
  HOLDFAST_WEBHOOK_DEVELOPMENT_TARGETS: z.string().default('').transform(commaList),
});

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}

export type Config = ReturnType<typeof loadConfig>;

/** The only reader of the environment in this service. @throws ConfigError naming every wrong variable. */
export function loadConfig(env: Record<string, string | undefined> = process.env) {
  const values: z.output<typeof schema> = parseConfig(schema, env);
  return {
    host: values.HOLDFAST_HOST,
    port: values.HOLDFAST_NOTIFICATION_PORT,
    databaseUrl: secretsOf(env, 'DATABASE_URL', databaseUrl),
    natsUrl: secretsOf(env, 'NATS_URL', natsUrl),
    natsReplicas: values.HOLDFAST_NATS_REPLICAS,
    internalSecret: secretsOf(env, 'HOLDFAST_INTERNAL_SECRET', internalSecret),
    logLevel: values.HOLDFAST_LOG_LEVEL,
    mail: {
      smtpUrl: secretsOf(env, 'HOLDFAST_SMTP_URL', smtpUrl),
      from: values.HOLDFAST_MAIL_FROM,
      /** Start of the links in messages, without a slash at its end. */
      publicUrl: values.HOLDFAST_PUBLIC_URL.replace(/\/+$/, ''),
    },
    /** Null: this installation sends no text messages. */
    sms:
      values.HOLDFAST_SMS_URL === undefined
        ? null
        : {
            url: values.HOLDFAST_SMS_URL,
            authorization:
              values.HOLDFAST_SMS_AUTHORIZATION === undefined
                ? null
                : secretsOf(env, 'HOLDFAST_SMS_AUTHORIZATION', smsAuthorization),
            from: values.HOLDFAST_SMS_FROM,
            body: values.HOLDFAST_SMS_BODY,
          },
    webhooks: {
      ports: values.HOLDFAST_WEBHOOK_PORTS,
      developmentTargets: values.HOLDFAST_WEBHOOK_DEVELOPMENT_TARGETS,
    },
    maxSendAttempts: values.HOLDFAST_MAX_SEND_ATTEMPTS,
  };
}
