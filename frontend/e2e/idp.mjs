// A sign-in provider of its own for the browser tests: OpenID Connect with a page that asks who one is. It listens on
// "localhost", another site than 127.0.0.1, as a city's provider is another site than the map.
import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { createServer } from 'node:http';

const port = Number(process.argv[2]);
const issuer = `http://localhost:${port}`;
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'one', use: 'sig', alg: 'ES256' };
const codes = new Map();
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

function token(claims) {
  const text = `${part({ alg: 'ES256', kid: 'one', typ: 'JWT' })}.${part(claims)}`;
  return `${text}.${sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

const send = (to, status, body, type = 'application/json') =>
  to.writeHead(status, { 'content-type': type }).end(typeof body === 'string' ? body : JSON.stringify(body));

async function form(from) {
  let text = '';
  for await (const piece of from) text += piece;
  return new URLSearchParams(text);
}

const answers = {
  '/.well-known/openid-configuration': (_, to) =>
    send(to, 200, {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/keys`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
    }),
  '/keys': (_, to) => send(to, 200, { keys: [jwk] }),
  '/authorize': (_, to, query) => {
    const buttons = ['huang', 'stranger'].map((who) => {
      const code = randomUUID();
      codes.set(code, { who, query });
      const back = `${query.get('redirect_uri')}?${new URLSearchParams({ code, state: query.get('state'), iss: issuer })}`;
      return `<a id="${who}" href="${back.replaceAll('&', '&amp;')}">${who}</a>`;
    });
    send(to, 200, `<!doctype html><title>Who are you?</title>${buttons.join(' ')}`, 'text/html');
  },
  '/token': async (from, to) => {
    const body = await form(from);
    const known = codes.get(body.get('code'));
    codes.delete(body.get('code'));
    const challenge = createHash('sha256')
      .update(body.get('code_verifier') ?? '')
      .digest('base64url');
    if (known?.query.get('code_challenge') !== challenge) return send(to, 400, { error: 'invalid_grant' });
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: issuer, sub: `subject of ${known.who}`, aud: known.query.get('client_id') };
    send(to, 200, {
      access_token: 'unused',
      token_type: 'Bearer',
      id_token: token({
        ...claims,
        iat: now,
        exp: now + 300,
        nonce: known.query.get('nonce'),
        preferred_username: known.who,
      }),
    });
  },
};

createServer(async (from, to) => {
  const { pathname, searchParams } = new URL(from.url, issuer);
  const answer = answers[pathname];
  if (answer) await answer(from, to, searchParams);
  else send(to, 404, {});
}).listen(port, 'localhost');
