import type { Express, Request, Response } from 'express';

/**
 * The pages that the links of the mails lead to. They read the token behind the `#`, which a browser keeps to itself, and send it in a
 * POST: a program that follows the links of mails to look for harm uses no token up.
 */
const PAGES = {
  'verify-email': {
    title: 'Confirm your email address',
    form: '<button>Confirm</button>',
  },
  'reset-password': {
    title: 'Choose a new password',
    form: `<label>New password <input name="password" type="password" autocomplete="new-password" minlength="12" maxlength="128"></label>
<label>Email address <input name="email" type="email" autocomplete="email"></label>
<button>Send</button>`,
  },
} as const;

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const page = ({ title, form }: { title: string; form: string }) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<link rel="stylesheet" href="/account/style.css">
<main>
<h1>${title}</h1>
<form>${form}</form>
<p role="status"></p>
</main>
<script src="/account/page.js"></script>
</html>`;

const STYLE =
  'main{font:1rem/1.5 sans-serif;max-width:28rem;margin:3rem auto;padding:0 1rem}label,button{display:block;margin:1rem 0}input{width:100%}';

// Without a token the page of the new password asks for the address to send one to.
const SCRIPT = `const token = location.hash.slice(1);
history.replaceState(null, '', location.pathname);
const form = document.querySelector('form');
const status = document.querySelector('[role=status]');
const verifies = location.pathname.endsWith('verify-email');
for (const input of form.querySelectorAll('input')) {
  const wanted = token === '' ? 'email' : 'password';
  input.required = input.name === wanted;
  if (input.name !== wanted) input.closest('label').hidden = true;
}
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const fields = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ''));
  const [path, body, done] = verifies
    ? ['verify-email', { token }, 'Thank you, your address is confirmed.']
    : token === ''
      ? ['password/forgot', { email: fields.email }, 'If there is such an account, a mail is on its way.']
      : ['password/reset', { token, password: fields.password }, 'Your new password is valid. Please sign in.'];
  status.textContent = '…';
  try {
    const answer = await fetch('/v1/auth/' + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (answer.ok) { form.hidden = true; status.textContent = done; return; }
    const problem = await answer.json();
    status.textContent = problem.errors ? problem.errors[0].message : problem.title + '. ' + problem.detail;
  } catch {
    status.textContent = 'There was no answer. Please try again.';
  }
});`;

/** GET /account/verify-email and /account/reset-password. */
export function mountAccountPages(app: Express): void {
  for (const [name, content] of Object.entries(PAGES)) {
    app.get(`/account/${name}`, (_req: Request, res: Response) => {
      res
        .set({ 'Content-Security-Policy': POLICY, 'Referrer-Policy': 'no-referrer', 'Cache-Control': 'no-store' })
        .type('html')
        .send(page(content));
    });
  }
  app.get('/account/style.css', (_req: Request, res: Response) => {
    res.type('css').send(STYLE);
  });
  app.get('/account/page.js', (_req: Request, res: Response) => {
    res.type('text/javascript').send(SCRIPT);
  });
}
