"""The JavaScript client in a real browser: everything it does, against a real server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from authenticators import Authenticator
from nightlatch.services.clock import SystemClock
from nightlatch.testing.authenticator_app import AuthenticatorApp
from servers import Server
from walking import SECRET

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent.parent
MIA = "mia@example.org"
RETURNS = "(async () => { const { Nightlatch } = await import('/auth/static/client.js'); %s })()"


class Script:
    """A page that has the client."""

    def __init__(self, page: Page, server: Server) -> None:
        self.page = page
        self.server = server
        page.goto(f"{server.url}/auth/sign-up")

    def run(self, script: str, **values: Any) -> Any:
        """Run with `auth`, a client, and return what it returns; or the code of its refusal."""
        told = "".join(f"const {name} = {json.dumps(value)}; " for name, value in values.items())
        body = (
            f"{told}globalThis.auth ??= new Nightlatch(globalThis.how ?? {{}}); "
            f"try {{ {script} }} catch (error) {{ if (!error.code || error.name !== 'NightlatchError') throw error; "
            "return {refused: error.code, status: error.status, fields: error.fields}; }"
        )
        return self.page.evaluate(RETURNS % body)

    def sign_up(self) -> Any:
        """Sign up to the end."""
        step = self.run("return await auth.signUp({email})", email=MIA)
        code = self.server.code(MIA)
        step = self.run("return await auth.prove(step, 'email_code', {code})", step=step, code=code)
        return self.run("return await auth.setPassword(step, {newPassword})", step=step, newPassword=SECRET)


@pytest.fixture
def script(chromium: Browser, server: Server) -> Iterator[Script]:
    """Open a page that has the client."""
    context = chromium.new_context()
    yield Script(context.new_page(), server)
    context.close()


def test_by_cookie(script: Script) -> None:
    """Up, out, refused in words, in with an app, renamed, out."""
    assert script.sign_up()["status"] == "complete"
    assert script.run("return (await auth.session()).user.email") == MIA
    proposal = script.run("return await auth.beginApp({name: 'my phone'})")
    app = AuthenticatorApp(proposal["secret"], SystemClock())
    bound = script.run("return await auth.confirmApp(it, code)", it=proposal, code=app.code().reveal())
    assert len(bound["recovery_codes"]) == 10
    script.run("await auth.signOut()")
    assert script.run("return await auth.session()") is None

    wrong = script.run("return await auth.signIn({identifier: email, password: 'nothing of hers'})", email=MIA)
    assert (wrong["refused"], wrong["status"]) == ("invalid_credentials", 401)
    step = script.run("return await auth.signIn({identifier: email, password})", email=MIA, password=SECRET)
    assert step["authenticators"] == ["totp", "recovery_code"]
    code = bound["recovery_codes"][0]
    done = script.run("return await auth.prove(step, 'recovery_code', {code})", step=step, code=code)
    assert (done["status"], done["session"]["aal"]) == ("complete", 2)
    named = script.run("return await auth.changeAccount({name: 'Mia'})")
    assert named["name"] == "Mia"
    assert len(script.run("return (await auth.sessions()).sessions")) == 1
    short = script.run("return await auth.signUp({email: 'no address'})")
    assert (short["refused"], list(short["fields"])) == ("invalid_input", ["email"])


def test_passkeys(script: Script) -> None:
    """Made, then the whole sign-in, then after a password."""
    authenticator = Authenticator(script.page)
    script.sign_up()
    assert len(script.run("return await auth.makePasskey({name: 'my laptop'})")["recovery_codes"]) == 10
    script.run("await auth.signOut()")
    done = script.run("return await auth.signInWithPasskey()")
    assert (done["status"], done["session"]["aal"]) == ("complete", 2)
    script.run("await auth.signOut()")
    done = script.run(
        "return await auth.usePasskey(await auth.signIn({identifier: email, password}))", email=MIA, password=SECRET
    )
    assert done["status"] == "complete"
    assert len(authenticator.credentials) == 1


def test_by_tokens_that_two_tabs_share(script: Script) -> None:
    """Both renew at once, and both stay signed in; what is signed out stays out."""
    script.sign_up()
    script.run("await auth.signOut()")
    store = """
        globalThis.how = {deliver: 'tokens', tokens: {
          get: () => JSON.parse(sessionStorage.getItem('shared')),
          set: (it) => sessionStorage.setItem('shared', JSON.stringify(it)),
        }};
        globalThis.auth = undefined;
    """
    script.page.evaluate(store)
    done = script.run("return await auth.signIn({identifier: email, password})", email=MIA, password=SECRET)
    assert "access_token" in done
    renewed = script.run("""
        const other = new Nightlatch(globalThis.how);
        const kept = JSON.parse(sessionStorage.getItem('shared'));
        sessionStorage.setItem('shared', JSON.stringify({...kept, until: 0}));
        const both = await Promise.all([auth, other, auth, other].map((each) => each.accessToken()));
        const {user} = await other.session();
        return {one: new Set(both).size, changed: both[0] !== kept.accessToken, who: user.email};
    """)
    assert renewed == {"one": 1, "changed": True, "who": MIA}
    fetched = script.run("return (await auth.fetch('/auth/api/account')).status")
    assert fetched == 200
    script.run("await auth.signOut()")
    assert script.run("return await auth.accessToken()") is None


def test_step_up(script: Script) -> None:
    """A route that wants fresh proof gets it from the page's own dialogue, and is asked again."""
    script.sign_up()
    script.page.evaluate("globalThis.how = undefined; globalThis.auth = undefined")
    asked = script.run(
        """
        let asked = 0;
        const careful = new Nightlatch({stepUp: async (refusal) => {
          asked += 1;
          const step = await auth.reauthenticate({aal: refusal.problem.aal});
          return (await auth.prove(step, 'password', {password})).status === 'complete';
        }, fetch: async (request, init) => {
          const answer = await fetch(request, init);
          const path = new URL(request.url ?? request).pathname;
          return asked === 0 && path.endsWith('/api/account')
            ? new Response('{"code": "reauthenticate", "aal": 1}', {status: 403}) : answer;
        }});
        return {status: (await careful.fetch('/auth/api/account')).status, asked};
        """,
        password=SECRET,
    )
    assert asked == {"status": 200, "asked": 1}


def test_the_page_of_the_docs(script: Script) -> None:
    """The example as it is written."""
    script.sign_up()
    script.run("await auth.signOut()")
    page = (ROOT / "docs/javascript.md").read_text()
    example = re.search(r'```html\n<script type="module">\n(.*?)</script>', page, re.DOTALL)
    assert example
    script.page.route("**/example", lambda route: route.fulfill(content_type="text/html", body=_page(example[1])))
    script.page.goto(f"{script.server.url}/example")
    script.page.get_by_text(f"Hello, {MIA}").wait_for()


def _page(script: str) -> str:
    return f'<!doctype html><body><script type="module">{script}</script>'


def test_what_is_published_is_what_is_served() -> None:
    """The package copies the served files, has the project's version, and names nothing that is not there."""
    package = json.loads((ROOT / "clients/javascript/package.json").read_text())
    project = (ROOT / "pyproject.toml").read_text()
    assert f'version = "{package["version"]}"' in project
    for name in package["files"]:
        assert f"../../src/nightlatch/pages/static/{name}" in package["scripts"]["prepack"]
        assert (ROOT / "src/nightlatch/pages/static" / name).is_file()
    assert "dependencies" not in package


def test_every_method_has_its_type() -> None:
    """What the module offers and what the types tell are the same names."""
    static = ROOT / "src/nightlatch/pages/static"
    code, types = (static / "client.js").read_text(), (static / "client.d.ts").read_text()
    public = set(re.findall(r"^  (?:async )?([a-z]\w*)\([^\n]*\) \{", code, re.MULTILINE)) - {"constructor"}
    offered = types.partition("export class Nightlatch {")[2]
    told = set(re.findall(r"^  ([a-z]\w*)\(", offered, re.MULTILINE)) - {"constructor"}
    assert public == told
