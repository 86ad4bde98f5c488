"""Secure nodes: whom they trust, and keys."""

import pytest
from conftest import wait_for

import zyre


def test_a_network_key_lets_in_who_has_it(bed):
    network = zyre.NetworkKey.generate()
    again = zyre.NetworkKey(network.words)
    assert again.words == network.words and len(network.words.split()) == 12
    assert network.words not in repr(network)
    alice = bed.node("alice", identity=zyre.Identity.create(), trust=zyre.Trust.network(network))
    bob = bed.node("bob", identity=zyre.Identity.create(), trust=zyre.Trust.network(again))
    enter = wait_for(alice, zyre.Enter, name="bob")
    assert enter.key == bob.key == alice.peer_key(bob.id)
    wait_for(bob, zyre.Enter)
    bob.whisper(alice.id, "secret")
    assert wait_for(alice, zyre.Whisper).text == "secret"
    alice.distrust(bob.key)
    assert wait_for(alice, zyre.Exit).reason is zyre.ExitReason.DISTRUSTED


def test_strangers_are_let_in_by_key_or_words(bed):
    alice = bed.node("alice", identity=zyre.Identity.create(), trust=zyre.Trust.ask())
    bob = bed.node("bob", identity=zyre.Identity.create(), trust=zyre.Trust.only([alice.key]))
    carol = bed.node("carol", identity=zyre.Identity.create(), trust=zyre.Trust.ask() | zyre.Trust.anyone())
    assert wait_for(alice, zyre.Stranger).key in (bob.key, carol.key)
    alice.trust(bob.key)
    assert wait_for(alice, zyre.Enter, name="bob").key == bob.key
    alice.trust_words(carol.key.words)
    assert wait_for(alice, zyre.Enter, name="carol").key == carol.key
    with pytest.raises(ValueError, match="6 words"):
        alice.trust_words("one two")


def test_keys_are_kept_in_files(tmp_path):
    path = tmp_path / "alice.key"
    alice = zyre.Identity.load_or_create(path)
    assert zyre.Identity.load(path).public_key == alice.public_key
    assert zyre.Identity.load_or_create(str(path)).public_key == alice.public_key
    with pytest.raises(zyre.KeyFileError, match=str(path)):
        zyre.Identity.create().save(path)
    with pytest.raises(zyre.KeyFileError):
        zyre.Identity.load(tmp_path / "none")
    network = zyre.NetworkKey.generate()
    network.save(tmp_path / "network")
    assert zyre.NetworkKey.load(tmp_path / "network").words == network.words


def test_public_keys_are_values():
    key = zyre.Identity.create().public_key
    same = zyre.PublicKey(str(key))
    assert same == key and hash(same) == hash(key) and {same: 1}[key] == 1
    assert zyre.PublicKey.from_bytes(bytes(key)) == key
    assert key != zyre.Identity.create().public_key and key != str(key)
    assert len(key.words.split()) == 6
    with pytest.raises(ValueError, match="40 characters"):
        zyre.PublicKey("short")
    with pytest.raises(ValueError, match="protects nothing"):
        zyre.PublicKey.from_bytes(bytes(32))
