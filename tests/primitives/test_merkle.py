"""Trees of hashes, against the worked example of RFC 6962 2.1.3 and the tree heads that its reference log publishes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nightlatch.primitives.merkle import leaf_hash, root_of, split_leaves

# certificate-transparency-go, merkletree/merkle_tree_test.go (Apache-2.0): inputs and heads of its first n leaves.
ENTRIES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
HEADS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def test_heads_are_those_of_certificate_transparency() -> None:
    """For every size from one to eight, whatever is left over at the end."""
    leaves = [leaf_hash(bytes.fromhex(entry)) for entry in ENTRIES]
    assert [root_of(leaves[:size]).hex() for size in range(1, 9)] == HEADS
    assert root_of([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@given(st.lists(st.binary(max_size=8), min_size=2, max_size=40), st.data())
def test_no_other_list_of_entries_has_the_same_head(entries: list[bytes], data: st.DataObject) -> None:
    """Without an entry, with one changed, or with two in turn the head is another; stored leaves come back whole."""
    leaves = [leaf_hash(entry) for entry in entries]
    at = data.draw(st.integers(0, len(entries) - 1))
    assert root_of(leaves[:at] + leaves[at + 1 :]) != root_of(leaves)
    assert root_of([*leaves[:at], leaf_hash(entries[at] + b"!"), *leaves[at + 1 :]]) != root_of(leaves)
    turned = [*leaves[1:], leaves[0]]
    assert (root_of(turned) == root_of(leaves)) == (turned == leaves)
    assert split_leaves(b"".join(leaves)) == leaves
