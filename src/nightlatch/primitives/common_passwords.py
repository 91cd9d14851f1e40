"""Whole passwords that guessing begins with: found by rule, so that length alone does not make one good.

Long common passwords are rarely long inventions. They are something short, repeated; a walk over the keyboard; a row
of digits; or two common words and a year. Those are recognised here *as a whole*: a password is common if nothing is
left over once a few such parts are taken away. A sentence that merely contains a common word, or three words that
nobody put together before, is not (NIST SP 800-63B-4 3.1.1.2: no substrings). ``data/README.md`` says what this
reaches of published lists, and what it does not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Final, NamedTuple

__all__ = ["is_common"]

_SHORT_UNIT: Final = 8
"""What is this short may not be repeated to reach the length."""
_LONGEST: Final = 40
"""A longer one is only tried for repetition: joining so few parts does not get there."""
_MOST_STATES: Final = 1_000
"""So many ways of taking a password apart are tried: what is typed must not decide how long that takes (ASVS 1.3.12).
The listed ones need under 500; one that was made to need more is not common."""
_FEWEST_KEYS: Final = 3
_FREE_DIGITS: Final = 4
"""So many digits (a year, a counter) anywhere make a password no rarer."""
_MOST_PARTS: Final = 2
_MOST_ROWS: Final = 3
"""Parts that are all rows, runs or dates may be three: there are far fewer of them than words."""
_MOST_LITTLE: Final = 3
_LITTLE_WORDS: Final = (
    "a i u am an and are at be by for from have i im in is it its me my no not of on or so that the this to we with you"
    " your de del la le el les mon ma mi mia il un una der die das mein ich du et y e o я ты мой моя и в на не"
)
_LITTLE: Final = frozenset(_LITTLE_WORDS.split())
"""Words that tie others together: up to three of them make a password no rarer."""
_CYRILLIC: Final = str.maketrans("qwertyuiop[]asdfghjkl;'zxcvbnm,.`", "йцукенгшщзхъфывапролджэячсмитьбюё")
"""What was typed in Russian with the keyboard left in Latin."""

_LEET: Final = (
    str.maketrans("0134578@$!|+", "oieastbasiit"),
    str.maketrans("0134579@$!|+", "oleastgaslit"),
)
_SEPARATORS: Final = re.compile(r"[\s_.,;:/*+=#&-]+")
_DATE: Final = re.compile(
    r"(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:19|20)?\d\d"  # day, month, year
    r"|(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:19|20)?\d\d"  # month, day, year
    r"|(?:19|20)?\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"  # year, month, day
)
_RUN: Final = re.compile(r"(.)\1{2,}")
_ROWS: Final = (
    "01234567890",
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
    "qwertyuiop[]asdfghjkl;'zxcvbnm,./",
    "qwertyuiopasdfghjklzxcvbnmqwertyuiop",
    "asdfghjklqwertyuiopzxcvbnm",
    "zxcvbnmasdfghjklqwertyuiop",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "йцукенгшщзхъфывапролджэячсмитьбю",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "qazwsxedcrfvtgbyhnujmikolp",
    "qazxswedcvfrtgbnhyujmkiolp",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "q2w3e4r5t6y7u8i9o0p",
    "a1s2d3f4g5h6j7k8l9",
    "1a2s3d4f5g6h7j8k9l",
    "z1x2c3v4b5n6m7",
    "1z2x3c4v5b6n7m",
    "a1b2c3d4e5f6g7h8i9j0",
    "1a2b3c4d5e6f7g8h9i0j",
    "qawsedrftgyhujikolp",
    "13579",
    "24680",
    "2468101214161820",
    "147258369",
    "159357",
    "741852963",
    "789456123",
    "321654987",
    "123654789",
    "zaq1xsw2cde3vfr4bgt5nhy6mju7",
    "zaqxswcdevfrbgtnhymju",
    "!@#$%^&*()",
    "!qaz@wsx#edc$rfv",
    "onetwothreefourfivesixseveneightnineten",
    "3141592653589793238462643383279",
)
_KEYBOARD: Final = ("1234567890-=", " qwertyuiop[]", "  asdfghjkl;'", "  zxcvbnm,./")


def is_common(password: str) -> bool:
    """Tell whether a whole password is one that guessing begins with.

    Args:
        password: as it is to be hashed.
    """
    folded = unicodedata.normalize("NFKC", password).casefold().strip()
    bare = folded.rstrip("!?.*#")
    for text in {folded, bare, _SEPARATORS.sub("", bare), folded.translate(_CYRILLIC)}:
        unit, repeated = _unit(text)
        if repeated and len(unit) <= _SHORT_UNIT:
            return True
        if unit and len(unit) <= _LONGEST and _is_made_of_common_parts(unit):
            return True
    return not folded


def _unit(text: str) -> tuple[str, bool]:
    """Return what a text repeats, whole or begun again at its end, and whether it does; else the text itself."""
    # The prefix function of Knuth, Morris and Pratt: linear, whatever is typed.
    borders = [0] * len(text)
    for i in range(1, len(text)):
        k = borders[i - 1]
        while k and text[i] != text[k]:
            k = borders[k - 1]
        borders[i] = k + (text[i] == text[k])
    period = len(text) - borders[-1] if text else 0
    repeated = 0 < period * 2 <= len(text)
    return (text[:period], True) if repeated else (text, False)


def _is_made_of_common_parts(text: str) -> bool:
    """Tell whether nothing is left over once at most two different parts (three rows) and a few digits are taken."""
    letters = (text, *(text.translate(each) for each in _LEET))
    parts: dict[int, dict[int, bool]] = {}
    # Depth first over states, each seen once.
    seen: set[_State] = set()
    todo = [_State(0, frozenset(), words=False, little=0, digits=False)]
    while todo and len(seen) < _MOST_STATES:
        state = todo.pop()
        if state in seen:
            continue
        if state.at == len(text):
            return True
        seen.add(state)
        if state.at not in parts:
            parts[state.at] = _parts_at(letters, state.at)
        for end, is_word in parts[state.at].items():
            used, words = state.used | {text[state.at : end]}, state.words or is_word
            if len(used) <= (_MOST_PARTS if words else _MOST_ROWS):
                todo.append(state._replace(at=end, used=used, words=words))
        todo.extend(_free_parts(text, state))
    return False


class _State(NamedTuple):
    """How far a password is taken apart, and into what."""

    at: int
    used: frozenset[str]
    words: bool
    """One of the parts is a word."""
    little: int
    """How many little words were passed over."""
    digits: bool
    """The free digits were used."""


def _free_parts(text: str, state: _State) -> Iterator[_State]:
    """Pass over what does not count: a few digits, once, and a few little words."""
    if state.little < _MOST_LITTLE:
        for end in range(state.at + 1, min(state.at + 4, len(text)) + 1):
            if text[state.at : end] in _LITTLE:
                yield state._replace(at=end, little=state.little + 1, words=True)
    if not state.digits:
        for end in range(state.at + 1, min(state.at + _FREE_DIGITS, len(text)) + 1):
            if not text[end - 1].isdecimal():
                break
            yield state._replace(at=end, digits=True)


def _parts_at(letters: tuple[str, ...], at: int) -> dict[int, bool]:
    """Return where the common parts that begin here end, and whether they are words.

    Args:
        letters: the text, and what it reads as where digits stand for letters.
        at: where to begin.
    """
    text, ends = letters[0], dict[int, bool]()
    if run := _RUN.match(text, at):
        ends[run.end()] = False
    for length in (6, 8):
        if _DATE.fullmatch(text, at, at + length) and at + length <= len(text):
            ends[at + length] = False
    # The longest row from here, and each beginning of it: "asdfgfred" may be asdf, gfred.
    longest = max(_row_end(text, at), _walk_end(text, at))
    ends.update(dict.fromkeys(range(at + _FEWEST_KEYS, longest + 1), False))
    words, most = _words()
    for end in range(at + 2, min(at + most, len(text)) + 1):
        if any(each[at:end] in words for each in letters):
            ends.setdefault(end, True)
    return ends


def _row_end(text: str, at: int) -> int:
    end = at + _FEWEST_KEYS
    rows = _all_rows()
    if end > len(text) or text[at:end] not in rows:
        return at
    while end < len(text) and text[at : end + 1] in rows:
        end += 1
    return end


def _walk_end(text: str, at: int) -> int:
    """Follow neighbouring keys; the same key twice stands still."""
    neighbours, end = _neighbours(), at + 1
    while end < len(text) and text[end] in neighbours.get(text[end - 1], ""):
        end += 1
    return end if end - at > _FEWEST_KEYS else at


@cache
def _words() -> tuple[frozenset[str], int]:
    lines = resources.files("nightlatch").joinpath("data", "common_words.txt").read_text("utf-8").splitlines()
    words = {word for line in lines if not line.startswith("#") for word in line.split()}
    words |= {f"{word}s" for word in words}
    return frozenset(words), max(map(len, words))


@cache
def _all_rows() -> str:
    """Every row, forwards, backwards, and with each key struck twice: to be searched for a piece."""
    doubled = ("".join(key * times for key in row) for row in _ROWS[:4] for times in (2, 3))
    rows = (*_ROWS, *doubled)
    return "\n".join((*rows, *(row[::-1] for row in rows)))


@cache
def _neighbours() -> dict[str, str]:
    keys = {(x, y): key for y, row in enumerate(_KEYBOARD) for x, key in enumerate(row) if key != " "}
    # Each row stands half a key to the right of the one above.
    around = ((-1, 0), (0, 0), (1, 0), (0, 1), (-1, 1), (0, -1), (1, -1), (1, 1), (-1, -1))
    return {key: "".join(keys.get((x + dx, y + dy), "") for dx, dy in around) for (x, y), key in keys.items()}
