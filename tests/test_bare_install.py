"""With PyJWT and cryptography alone, the package imports and says what to install for more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
bare = {"jwt", "cryptography", "cffi", "_cffi_backend", "typing_extensions", "nightlatch"}
class Absent:
    def find_spec(self, name, path=None, target=None):
        root = name.partition(".")[0]
        if root not in bare and root not in sys.stdlib_module_names:
            raise ModuleNotFoundError(f"No module named {root!r}", name=root)
sys.meta_path.insert(0, Absent())
import nightlatch
print(nightlatch.__version__)
loaded = {name.partition(".")[0] for name in sys.modules} - set(sys.stdlib_module_names)
print(sorted(loaded & {"msgspec", "sqlalchemy", "flask", "jinja2", "argon2"}))
try:
    nightlatch.Nightlatch
except nightlatch.NightlatchError as error:
    print(type(error).__name__, error)
"""


def test_a_bare_install_names_the_extra() -> None:
    """`import nightlatch` works; asking for `Nightlatch` names the extras."""
    source = Path(__file__).parent.parent / "src"
    ran = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(source)!r})\n{PROGRAM}"],
        capture_output=True,
        text=True,
        check=True,
    )
    version, loaded, refusal = ran.stdout.splitlines()
    assert version == "0.1.0"
    assert loaded == "[]"
    assert refusal.startswith("MissingExtra")
    assert "nightlatch[flask]" in refusal


VERIFY = """
import nightlatch.verify
from nightlatch.verify import InvalidToken, Verifier
try:
    Verifier(issuer="https://app.example.com/auth", audience="https://app.example.com").verify("a.b.c")
except InvalidToken as error:
    print(error.code)
house = {name for name in sys.modules if name.startswith("nightlatch")}
print(sorted(name for name in house if name != "nightlatch" and not name.startswith("nightlatch.verify")))
"""


def test_a_bare_install_verifies_tokens() -> None:
    """`nightlatch.verify` needs PyJWT and cryptography, and brings nothing else of the house along."""
    source = Path(__file__).parent.parent / "src"
    program = f"import sys; sys.path.insert(0, {str(source)!r})\n{PROGRAM.partition('import nightlatch')[0]}{VERIFY}"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["invalid_token", "[]"]


PLUGIN = """
import sys
import pytest
import nightlatch.testing.plugin
print(sorted(name for name in sys.modules if name.startswith("nightlatch")))
"""


def test_the_pytest_plugin_costs_nothing_until_it_is_asked() -> None:
    """Every test run on a machine where this package is installed loads it: nothing else of the house with it."""
    ran = subprocess.run([sys.executable, "-c", PLUGIN], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == str(["nightlatch", "nightlatch.testing", "nightlatch.testing.plugin"])
