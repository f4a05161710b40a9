// An identity provider that lies, is away, or is slow, for tests/e2e/sign_on_test.py: oauth2-mock-server
// behind what breaks it. Takes one JSON object a line on stdin, and answers each with one:
//
//   {"set": {...}}        see `mode`; what is not named stays as it is
//   {"rotate": true}      other keys from now on
//   {"token": KIND}       a token as KIND says, see `forge`
//   {"counts": true}      requests so far, by path
//
// Prints its issuer first. `node hostile.mjs CERTIFICATE KEY` (PEM) speaks TLS, as "localhost".
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createInterface } from "node:readline";
import { exportJWK, generateKeyPair, importJWK, SignJWT } from "jose";
import mock from "oauth2-mock-server";

const { issuer, service } = new mock.OAuth2Server();
const CLIENT = "reeve";
const mode = {
  down: [], // paths that answer 503
  hang: [], // paths that never answer
  drip: [], // paths that answer a byte now and then
  huge: [], // paths that answer without an end
  discovery: {}, // members that replace those of the discovery document
  claims: {}, // members that replace those of ID tokens
  reply: null, // {status, body} in the place of the token endpoint's
  callback: {}, // parameters that replace those of the redirect back
  device: [], // replies of the token endpoint to a device, one after the other: its `error`, or "ok"
};
const counts = {};
let held = null; // a key that is in no set

const text = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const now = () => Math.floor(Date.now() / 1000);
const good = () => ({ iss: issuer.url, sub: "johndoe", aud: CLIENT, iat: now(), exp: now() + 300, groups: ["ops"],
  jti: Math.random().toString() });

async function signed(claims, header = {}, key = issuer.keys.get()) {
  return new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: key.kid, typ: "JWT", ...header })
    .sign(await importJWK(key, "RS256"));
}

function publicPem(key) {
  return JSON.stringify({ kty: key.kty, n: key.n, e: key.e });
}

const forge = {
  good: () => signed(good()),
  "no-groups": () => signed({ ...good(), groups: undefined }),
  "alg-none": () => `${text({ alg: "none", typ: "JWT" })}.${text(good())}.`,
  "alg-none-with-signature": async () => {
    const [, , signature] = (await signed(good())).split(".");
    return `${text({ alg: "None", kid: issuer.keys.get().kid })}.${text(good())}.${signature}`;
  },
  "hs256-with-public-key": () => {
    const key = issuer.keys.get();
    const body = `${text({ alg: "HS256", kid: key.kid, typ: "JWT" })}.${text(good())}`;
    return `${body}.${createHmac("sha256", publicPem(key)).update(body).digest("base64url")}`;
  },
  "own-key-in-header": async () => {
    const jwk = await exportJWK((await generateKeyPair("RS256", { extractable: true })).publicKey);
    return signed(good(), { jwk });
  },
  "unknown-key": async () => signed(good(), { kid: `made-up-${Math.random()}` }, held),
  "another-key-same-name": async () => signed(good(), { kid: issuer.keys.get().kid }, held),
  "changed-claims": async () => {
    const [header, , signature] = (await signed(good())).split(".");
    return `${header}.${text({ ...good(), sub: "root", groups: ["ops"] })}.${signature}`;
  },
  "wrong-issuer": () => signed({ ...good(), iss: "https://evil.example" }),
  "wrong-audience": () => signed({ ...good(), aud: "another" }),
  "no-audience": () => signed({ ...good(), aud: undefined }),
  "many-audiences-no-azp": () => signed({ ...good(), aud: [CLIENT, "another"] }),
  "wrong-azp": () => signed({ ...good(), azp: "another" }),
  "expired": () => signed({ ...good(), iat: now() - 400, exp: now() - 61 }),
  "just-expired": () => signed({ ...good(), iat: now(), exp: now() - 50 }),
  "no-end": () => signed({ ...good(), exp: undefined }),
  "from-the-future": () => signed({ ...good(), iat: now() + 90 }),
  "clock-ahead": () => signed({ ...good(), iat: now() + 50, nbf: now() + 50 }),
  "not-yet": () => signed({ ...good(), nbf: now() + 90 }),
  "old": () => signed({ ...good(), iat: now() - 3600, exp: now() + 3600 }),
  "with-nonce": () => signed({ ...good(), nonce: "of-a-browser" }),
  "access-token": () => signed(good(), { typ: "at+jwt" }),
  "keycloak-access-token": () => signed({ ...good(), typ: "Bearer" }),
  "logout-token": () => signed({ ...good(), events: { "http://schemas.openid.net/event/backchannel-logout": {} } }),
  "no-subject": () => signed({ ...good(), sub: undefined }),
  "long-subject": () => signed({ ...good(), sub: "x".repeat(256) }),
  "groups-as-text": () => signed({ ...good(), groups: "ops" }),
  "odd-subject": () => signed({ ...good(), sub: "root(admin)\n,user:ann", email: "a@b.c", email_verified: true }),
  "unverified-email": () => signed({ ...good(), email: "boss@example.org", email_verified: false }),
};

service.on("beforeTokenSigning", (token) => {
  if (token.payload.nonce !== undefined || token.payload.aud !== undefined)
    Object.assign(token.payload, { groups: ["ops"] }, mode.claims);
  for (const [name, value] of Object.entries(token.payload)) if (value === null) delete token.payload[name];
});
service.on("beforeResponse", (reply) => {
  if (mode.reply) Object.assign(reply, { statusCode: mode.reply.status, body: mode.reply.body });
});
service.on("beforeAuthorizeRedirect", ({ url }) => {
  for (const [name, value] of Object.entries(mode.callback)) {
    if (value === null) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
});

function json(response, status, value) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
}

async function body(request) {
  let all = "";
  for await (const piece of request) all += piece;
  return new URLSearchParams(all);
}

async function device(request, response) {
  await body(request);
  const answer = mode.device.shift() ?? "authorization_pending";
  if (answer === "hang-up") return request.socket.destroy();
  if (answer !== "ok") return json(response, answer === "502" ? 502 : 400, { error: answer });
  return json(response, 200, { id_token: await signed({ ...good(), ...mode.claims }), token_type: "Bearer", access_token: "x" });
}

async function answer(request, response) {
  const path = new URL(request.url, issuer.url).pathname;
  counts[path] = (counts[path] ?? 0) + 1;
  if (mode.hang.includes(path)) return;
  if (mode.down.includes(path)) return json(response, 503, { error: "down" });
  if (mode.drip.includes(path)) {
    response.writeHead(200, { "content-type": "application/json" });
    setInterval(() => response.write(" "), 100).unref();
    return;
  }
  if (mode.huge.includes(path)) {
    response.writeHead(200, { "content-type": "application/json" });
    const pour = () => { while (response.write(" ".repeat(65536))); };
    response.on("drain", pour);
    return pour();
  }
  if (path === "/.well-known/openid-configuration") {
    const document = {
      issuer: issuer.url, authorization_endpoint: `${issuer.url}/authorize`,
      token_endpoint: `${issuer.url}/token`, jwks_uri: `${issuer.url}/jwks`,
      device_authorization_endpoint: `${issuer.url}/device`, response_types_supported: ["code"],
      code_challenge_methods_supported: ["S256"], id_token_signing_alg_values_supported: ["RS256"],
      token_endpoint_auth_methods_supported: ["none"], ...mode.discovery,
    };
    for (const [name, value] of Object.entries(document)) if (value === null) delete document[name];
    return json(response, 200, document);
  }
  if (path === "/device") {
    return json(response, 200, { device_code: "d", user_code: "AB-12", verification_uri: `${issuer.url}/go`,
      expires_in: 30, interval: 1 });
  }
  if (path === "/token" && mode.device.length > 0) return device(request, response);
  service.requestHandler(request, response);
}

const [certificate, key] = process.argv.slice(2);
const server = certificate
  ? createTlsServer({ cert: readFileSync(certificate), key: readFileSync(key) }, answer)
  : createServer(answer);

await new Promise((done) => server.listen(0, "127.0.0.1", done));
issuer.url = `${certificate ? "https://localhost" : "http://127.0.0.1"}:${server.address().port}`;
await issuer.keys.generate("RS256");
const other = new mock.OAuth2Issuer();
held = await other.keys.generate("RS256");
console.log(issuer.url);

for await (const line of createInterface({ input: process.stdin })) {
  const wish = JSON.parse(line);
  let answer = {};
  if (wish.set) Object.assign(mode, wish.set);
  if (wish.rotate) {
    const next = new mock.OAuth2Issuer();
    const key = await next.keys.generate("RS256");
    const keys = [key];
    issuer.keys.get = () => keys[0];
    issuer.keys.toJSON = () => keys.map(({ kty, kid, n, e, alg }) => ({ kty, kid, n, e, alg, use: "sig" }));
  }
  if (wish.token) answer = { token: await forge[wish.token]() };
  if (wish.counts) answer = counts;
  console.log(JSON.stringify(answer));
}
process.exit(0);
