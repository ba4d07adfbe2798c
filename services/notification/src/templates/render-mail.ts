import type { Notice } from '../deliveries/delivery.ts';
import { cancelledMail } from './cancelled-mail.ts';
import { confirmedMail } from './confirmed-mail.ts';
import { failedMail } from './failed-mail.ts';
import { htmlOfText } from './html-of-text.ts';
import type { Mail, RenderOptions } from './mail.ts';
import { rescheduledMail } from './rescheduled-mail.ts';
import { waitlistOfferMail } from './waitlist-offer-mail.ts';
import { waitlistOverMail } from './waitlist-over-mail.ts';
import { occurrenceLostMail } from './occurrence-lost-mail.ts';
import { paymentDueMail } from './payment-due-mail.ts';

/** The mail for a notice, as text and as HTML; the same notice gives the same mail. */
export async function renderMail(notice: Notice, options: RenderOptions): Promise<Mail> {
  const mail = await mailOf(notice, options);
  const title = mail.subject;
  return { ...mail, html: mail.html ?? htmlOfText(mail.text, { title, publicUrl: options.publicUrl }) };
}

async function mailOf(notice: Notice, options: RenderOptions): Promise<Mail> {
  switch (notice.kind) {
    case 'confirmed':
      return confirmedMail(notice, options);
    case 'cancelled':
      return cancelledMail(notice, options);
    case 'rescheduled':
      return rescheduledMail(notice, options);
    case 'failed':
      return failedMail(notice, options);
    case 'waitlist_offer':
      return waitlistOfferMail(notice, options);
    case 'waitlist_over':
      return waitlistOverMail(notice);
    case 'payment_due':
      return paymentDueMail(notice, options);
    case 'occurrence_lost':
    case 'occurrence_lapsed':
      return occurrenceLostMail(notice, options);
  }
}
