// The peer of the sign-in tests: oidc-provider with a login page of one field, accounts in memory, and a few
// addresses below /control by which a test changes them. It ends when its standard input closes.
import { createServer } from 'node:http';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { text } from 'node:stream/consumers';

console.info = console.error;
const { Provider, interactionPolicy } = await import('oidc-provider');

const asked = JSON.parse(process.argv[2]);
const classes = { 'urn:test:pwd': ['pwd'], 'urn:test:mfa': ['pwd', 'otp', 'mfa'] };
const accounts = new Map(asked.accounts.map((account) => [account.sub, account]));
const kept = new Map();
const now = () => Math.floor(Date.now() / 1000);

// What the library keeps, by model and id.
class Memory {
  constructor(model) { this.model = model; }
  key(id) { return `${this.model} ${id}`; }
  alive(value) { return value && (!value.exp || value.exp > now()) ? value : undefined; }
  async upsert(id, value) { kept.set(this.key(id), value); }
  async find(id) { return this.alive(kept.get(this.key(id))); }
  async findByUid(uid) {
    for (const [key, value] of kept) if (key.startsWith(`${this.model} `) && value.uid === uid) return this.alive(value);
    return undefined;
  }
  async findByUserCode() { return undefined; }
  async consume(id) { kept.get(this.key(id)).consumed = now(); }
  async destroy(id) { kept.delete(this.key(id)); }
  async revokeByGrantId(grant) { for (const [key, value] of kept) if (value.grantId === grant) kept.delete(key); }
}

const newKey = () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: randomUUID() };
};
let keys = [newKey()];
const cookies = [randomUUID()];
let issuer;
let provider;
let answer;

const page = (title, body) => `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><h1>${title}</h1>${body}</html>`;

const build = () => {
  const policy = interactionPolicy.base();
  const stronger = ({ oidc }) => Boolean(
    oidc.session.accountId && !oidc.result?.login && oidc.params.acr_values
      && !oidc.params.acr_values.split(' ').includes(oidc.session.acr),
  );
  policy.get('login').checks.add(new interactionPolicy.Check('stronger', 'a stronger sign-in', 'login_required', stronger));
  provider = new Provider(issuer, {
    adapter: Memory,
    jwks: { keys },
    acrValues: Object.keys(classes),
    claims: { openid: ['sub', 'acr', 'amr', 'auth_time'], profile: ['name', 'groups'], email: ['email', 'email_verified'] },
    clients: [{ client_id: 'muster', client_secret: asked.secret, redirect_uris: asked.redirects, post_logout_redirect_uris: asked.afterwards }],
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    cookies: { keys: cookies, names: { session: 'op_session', interaction: 'op_interaction', resume: 'op_resume' } },
    interactions: { policy, url: (_, { uid }) => `/interaction/${uid}` },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource(ctx, form) {
          ctx.body = page('Sign out there', `${form}<button id="sign-out" form="op.logoutForm" name="logout" value="yes">Sign out</button>`);
        },
      },
    },
    renderError(ctx, out) { ctx.type = 'html'; ctx.body = page('Error', `<pre>${out.error}</pre>`); },
    findAccount(_, sub) {
      const account = accounts.get(sub);
      return account && { accountId: sub, claims: () => ({ email_verified: true, ...account }) };
    },
    async loadExistingGrant({ oidc }) {
      const known = oidc.session.grantIdFor(oidc.client.clientId);
      const grant = (known && (await oidc.provider.Grant.find(known)))
        || new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
      grant.addOIDCScope([...oidc.requestParamOIDCScopes]);
      await grant.save();
      return grant;
    },
  });
  answer = provider.callback();
};

const signIn = async (req, res) => {
  const { params } = await provider.interactionDetails(req, res);
  if (req.method === 'POST') {
    const account = accounts.get(new URLSearchParams(await text(req)).get('account'));
    if (account) {
      const wanted = (params.acr_values ?? '').split(' ').find((one) => one in classes) ?? 'urn:test:pwd';
      const acr = account.only ?? wanted;
      const login = { accountId: account.sub, acr, amr: classes[acr] };
      return provider.interactionFinished(req, res, { login }, { mergeWithLastSubmission: false });
    }
  }
  res.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
  return res.end(page('Sign in there', '<form method="post"><label>Account <input id="account" name="account"></label><button id="enter">Enter</button></form>'));
};

const control = async (req, what) => {
  const body = JSON.parse((await text(req)) || '{}');
  if (what === 'accounts') accounts.set(body.sub, body);
  if (what === 'rotate') { keys = [newKey(), ...keys]; build(); }
  if (what === 'forget') kept.clear();
};

process.stdin.on('close', () => process.exit(0)).resume();
const server = createServer(async (req, res) => {
  try {
    if (req.url.startsWith('/control/')) {
      await control(req, req.url.slice('/control/'.length));
      return res.writeHead(204).end();
    }
    return await (req.url.startsWith('/interaction/') ? signIn(req, res) : answer(req, res));
  } catch (error) {
    console.error(error);
    return res.headersSent ? res.end() : res.writeHead(400).end(String(error.message));
  }
});
server.listen(0, '127.0.0.1', () => {
  issuer = `http://localhost:${server.address().port}`;
  build();
  console.log(`LISTENING ${issuer}`);
});
