"""The trees are those of RFC 9162, by its own examples and by a library that knows nothing of us."""

from __future__ import annotations

import hashlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from consent_server.proof.days import merkle
from consent_server.proof.days.merkle import Levels, Sketch
from consent_server.verify import Failed, Tree, node, root_over

CONTENTS = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
"""The trees that Certificate Transparency logs are tested with, of one leaf and of eight."""


def leaves(contents):
    return [hashlib.sha256(b"\0" + content).digest() for content in contents]


@pytest.mark.parametrize("many", range(1, 9))
def test_roots(many):
    tree = Tree()
    for each in leaves(CONTENTS[:many]):
        tree.add(each)
    assert tree.root() == Levels(leaves(CONTENTS[:many])).root.hex() == ROOTS[many - 1]


def test_the_root_of_nothing_is_the_hash_of_nothing():
    assert Levels([]).root.hex() == Tree().root() == hashlib.sha256().hexdigest()
    assert Levels([]).size == 0
    assert Levels([]).find(bytes(32)) is None


def test_the_examples_of_rfc_9162():
    """Section 2.1.5: the tree of seven leaves, with the names that its nodes have there."""
    a, b, c, d, e, f, j = leaves(CONTENTS[:7])
    g, h, i = node(a, b), node(c, d), node(e, f)
    k, el = node(g, h), node(i, j)
    tree = Levels(leaves(CONTENTS[:7]))
    assert tree.root == node(k, el)
    assert [tree.path(n) for n in (0, 3, 4, 6)] == [[b, h, el], [c, g, el], [f, j, k], [i, k]]
    assert tree.consistency(3) == [c, d, g, el]
    assert tree.consistency(4) == [el]
    assert tree.consistency(6) == [i, j, k]
    assert tree.consistency(7) == []


def is_beginning(size, whole, old_root, new_root, proof):
    """Whether a consistency proof holds, word for word as RFC 9162 says in 2.1.4.2."""
    if size == whole:
        return not proof and old_root == new_root
    if not proof:
        return False
    path = [old_root, *proof] if size & (size - 1) == 0 else [*proof]
    fn, sn = size - 1, whole - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node(c, fr), node(c, sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return fr == old_root and sr == new_root and sn == 0


def test_every_proof_of_every_tree_up_to_seventy_leaves_agrees_with_pymerkle():
    contents = [bytes([n]) * 3 for n in range(70)]
    theirs, all_leaves = InmemoryTree(algorithm="sha256"), leaves(contents)
    for size in range(1, 71):
        theirs.append_entry(contents[size - 1])
        ours = Levels(all_leaves[:size])
        assert ours.root == theirs.get_root(size)
        for index in range(size):
            path = ours.path(index)
            assert root_over(all_leaves[index], index, size, path) == ours.root
            # Theirs begins with the leaf itself, and keeps the sides apart.
            known = theirs.prove_inclusion(index + 1, size).serialize()["path"]
            assert sorted(known) == sorted(each.hex() for each in (all_leaves[index], *path))
            assert ours.find(all_leaves[index]) == index
        for old in range(1, size):
            proof = ours.consistency(old)
            assert is_beginning(old, size, theirs.get_root(old), theirs.get_root(size), proof)
            assert not is_beginning(old, size, bytes(32), theirs.get_root(size), proof)


@given(st.integers(1, 300), st.data())
def test_a_path_that_was_changed_leads_elsewhere(size, data):
    all_leaves = leaves(n.to_bytes(2) for n in range(size))
    tree, index = Levels(all_leaves), data.draw(st.integers(0, size - 1))
    path = tree.path(index)
    kind = data.draw(st.sampled_from(["leaf", "place", "longer", *(["hash", "shorter", "order"] if path else [])]))
    hashed = all_leaves[index]
    if kind == "leaf":
        hashed = bytes(32)
    elif kind == "place":
        index = data.draw(st.integers(-2, size + 2).filter(lambda other: other != index))
    elif kind == "longer":
        path = [*path, bytes(32)]
    elif kind == "hash":
        at = data.draw(st.integers(0, len(path) - 1))
        path = [*path[:at], bytes(32), *path[at + 1 :]]
    elif kind == "shorter":
        path = path[1:]
    else:
        path = path[::-1] if path[::-1] != path else [bytes(32)]
    with suppress(Failed):
        assert root_over(hashed, index, size, path) != tree.root


@pytest.mark.parametrize("many", [1, 7, 8, 9, 16, 61, 64, 67])
def test_a_sketch_gives_the_same_paths_with_a_piece_of_the_leaves_at_hand(monkeypatch, many):
    monkeypatch.setattr(merkle, "PIECE", 8)
    hashed = leaves(str(n).encode() for n in range(many))
    places = [(n // 20, n % 20 * 3, n % 2) for n in range(many)]
    whole, sketch = Levels(hashed), Sketch(zip(places, hashed, strict=True))
    assert (sketch.root, sketch.size) == (whole.root, many)
    for n, place in enumerate(places):
        number, start, following = sketch.piece(place)
        assert (start, number) == (places[n // 8 * 8], n // 8)
        assert following == (places[n // 8 * 8 + 8] if n // 8 * 8 + 8 < many else None)
        piece = Levels(hashed[number * 8 : number * 8 + 8])
        assert sketch.is_piece(number, piece)
        assert sketch.path(number, piece, n % 8) == whole.path(n)
    assert not sketch.is_piece(0, Levels(hashed[:1] + hashed[:1]))
