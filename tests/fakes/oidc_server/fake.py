"""The provider: real loopback HTTP, RS256, one code per sign-in, PKCE and the exact redirect address demanded."""

import base64
import hashlib
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT_ID, CLIENT_SECRET = "kakari", "provider-secret"


@dataclass
class OidcFake:
    """A provider at which one person is signed in; `bend` makes it, or an attacker in between, misbehave."""

    redirect: str = ""
    """The one redirect address that is registered."""

    claims: dict[str, Any] = field(default_factory=dict)
    """What it says of the person, beside the claims every token has."""

    token: dict[str, Any] = field(default_factory=dict)
    """Claims of the id_token that are bent; None leaves one out."""

    header: dict[str, Any] = field(default_factory=dict)
    document: dict[str, Any] = field(default_factory=dict)
    """Entries of its own description that are bent."""

    forge: str = ""
    """`other-key`: signed by another's key; `secret`: HS256 with the client's secret; `none`: not signed."""

    problems: list[str] = field(default_factory=list)
    """What was wrong with calls; a good test ends with none."""

    def __enter__(self) -> Self:
        """Start on a free port."""
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(fake.got(urlsplit(self.path)))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._answer(fake.exchanged(parse_qs(body), self.headers.get("Authorization", "")))

            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def _answer(self, found: tuple[int, dict[str, str], Any]) -> None:
                status, headers, body = found
                content = json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        self._codes: dict[str, dict[str, str]] = {}
        self._key = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig", "alg": "RS256"})
        self._others = RSAKey.generate_key(2048, {"kid": "k1"})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The issuer."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def got(self, url: Any) -> tuple[int, dict[str, str], Any]:
        """Answer a GET."""
        if url.path == "/.well-known/openid-configuration":
            ends = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
            return 200, {}, {"issuer": self.url} | {k: f"{self.url}{v}" for k, v in ends.items()} | self.document
        if url.path == "/keys":
            return 200, {}, {"keys": [self._key.as_dict(private=False)]}
        return self._authorised({name: values[0] for name, values in parse_qs(url.query).items()})

    def exchanged(self, form: dict[str, list[str]], authorization: str) -> tuple[int, dict[str, str], Any]:
        """Answer the token endpoint: the code once, for whoever proves to have left with it."""
        given = {name: values[0] for name, values in form.items()}
        left = self._codes.pop(given.get("code", ""), None)
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        proof = base64.urlsafe_b64encode(hashlib.sha256(given.get("code_verifier", "").encode()).digest())
        if left is None or authorization != f"Basic {basic}" or given.get("redirect_uri") != self.redirect:
            self.problems.append("code, client or redirect address")
            return 400, {}, {"error": "invalid_grant"}
        if proof.decode().rstrip("=") != left["code_challenge"]:
            self.problems.append("code_verifier")
            return 400, {}, {"error": "invalid_grant"}
        return 200, {}, {"access_token": "a", "token_type": "Bearer", "id_token": self._token(left["nonce"])}

    def _authorised(self, query: dict[str, str]) -> tuple[int, dict[str, str], Any]:
        wanted = {"client_id": CLIENT_ID, "redirect_uri": self.redirect, "response_type": "code",
                  "code_challenge_method": "S256"}  # fmt: skip
        wrong = [name for name, value in wanted.items() if query.get(name) != value]
        wrong += [name for name in ("state", "nonce", "code_challenge") if len(query.get(name, "")) < 32]
        if wrong or "openid" not in query.get("scope", "").split():
            self.problems.append(f"authorize: {wrong}")
            return 400, {}, {"error": wrong}
        code = secrets.token_urlsafe(16)
        self._codes[code] = query
        back = urlencode({"code": code, "state": query["state"], "iss": self.url})
        return 302, {"Location": f"{self.redirect}?{back}"}, {}

    def _token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {"iss": self.url, "sub": "s1", "aud": CLIENT_ID, "exp": now + 300, "iat": now, "nonce": nonce}
        claims = {k: v for k, v in (claims | self.claims | self.token).items() if v is not None}
        header = {"alg": "RS256", "kid": "k1"} | self.header
        if self.forge == "secret":
            return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(CLIENT_SECRET), algorithms=["HS256"])
        if self.forge == "none":
            parts = (json.dumps(part).encode() for part in ({"alg": "none"}, claims))
            return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."
        return jwt.encode(header, claims, self._others if self.forge == "other-key" else self._key)
