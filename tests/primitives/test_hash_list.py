"""Lists of leaked passwords as files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from nightlatch.primitives.hash_list import HashList, HashListBroken, hash_of, write_hash_list


def written(path: Path, hashes: list[bytes]) -> HashList:
    """Write a list and open it."""
    with path.open("wb") as file:
        assert write_hash_list(file, hashes) == len(set(hashes))
    return HashList(path)


@pytest.mark.parametrize("size", [1, 2, 7, 8, 300, 20_000])
def test_what_is_in_the_list_is_found_and_little_else(tmp_path: Path, size: int) -> None:
    """Every entry, given in no order and twice; of others less than one in 100,000."""
    hashes = [hash_of(f"leaked {each}") for each in range(size)]
    found = written(tmp_path / "list", hashes[::-1] + hashes[: size // 2])
    assert found.count == size
    assert all(found.contains(f"leaked {each}") for each in range(size))
    assert found.mistakes < 1e-5
    assert sum(found.contains(f"kept {each}") for each in range(20_000)) <= 2


def test_ten_million_fit_into_forty_megabytes(tmp_path: Path) -> None:
    """An entry takes under four bytes, table included, and a list of any size makes no more mistakes."""
    size = 50_000
    found = written(tmp_path / "list", [hash_of(str(each)) for each in range(size)])
    assert (tmp_path / "list").stat().st_size / size < 4
    assert found.mistakes <= 1 / 2**20


def test_the_form_is_sha1_of_the_normalised_text() -> None:
    """The composed and the decomposed spelling are one password; a lone surrogate is no error."""
    assert hash_of("password") == hashlib.sha1(b"password", usedforsecurity=False).digest()
    assert hash_of("gru\u0308n") == hash_of("gr\u00fcn")
    assert len(hash_of("\ud800")) == 20


def test_what_is_no_list_is_refused(tmp_path: Path) -> None:
    """An empty file, another file, and one that was cut short or damaged."""
    path = tmp_path / "list"
    written(path, [hash_of(str(each)) for each in range(100)])
    whole = path.read_bytes()
    damaged = [b"", b"NLB", b"x" * 500, whole[:-1], whole + b"x", b"N" * 8 + whole[8:], whole[:8] + b"\xff" + whole[9:]]
    for each in damaged:
        path.write_bytes(each)
        with pytest.raises(HashListBroken):
            HashList(path)
