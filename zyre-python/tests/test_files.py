"""Files: shared folders, published files, and offers."""

import pytest
from conftest import wait_for

import zyre


def test_a_shared_folder_comes(bed, tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "a.txt").write_text("hello")
    alice = bed.node("alice", share=shared, receive=tmp_path / "alice")
    bob = bed.node("bob", receive=tmp_path / "bob")
    deliver = wait_for(bob, zyre.Deliver)
    assert (deliver.peer, deliver.name, deliver.size) == (alice.id, "/a.txt", 5)
    assert deliver.path.read_text() == "hello"
    confirmed = wait_for(alice, zyre.Confirmed)
    assert (confirmed.peer, confirmed.name, confirmed.already) == (bob.id, "/a.txt", False)
    (shared / "a.txt").unlink()
    retract = wait_for(bob, zyre.Retract)
    assert retract.name == "/a.txt" and not retract.path.exists()


def test_a_published_file_is_asked_for(bed, tmp_path):
    big = tmp_path / "big.bin"
    big.write_bytes(bytes(3_000_000))
    alice = bed.node("alice", publishing=True)
    bob = bed.node("bob", receive=tmp_path / "bob", ask=True)
    wait_for(alice, zyre.Enter)
    assert alice.publish(big, peer=bob.id, name="/for/bob.bin") == "/for/bob.bin"
    offered = wait_for(bob, zyre.Offered)
    offer = offered.offer
    assert (offered.peer, offer.name, offer.size) == (alice.id, "/for/bob.bin", 3_000_000)
    assert offer.state is zyre.OfferState.OPEN
    assert abs(offer.modified - big.stat().st_mtime) < 2
    assert bob.offers(alice.id) == [offer]
    bob.accept(offer.id, tmp_path / "here.bin")
    deliver = wait_for(bob, zyre.Deliver)
    assert deliver.path == tmp_path / "here.bin"
    assert deliver.path.stat().st_size == 3_000_000
    assert alice.retract("/for/bob.bin") is True
    assert alice.retract("/for/bob.bin") is False
    with pytest.raises(zyre.OfferError, match="no such offer"):
        bob.decline(offer.id, "too late")


def test_a_file_is_declined_with_a_reason(bed, tmp_path):
    (tmp_path / "x").write_text("x")
    alice = bed.node("alice", publishing=True)
    bob = bed.node("bob", receive=tmp_path / "bob", ask=True, groups=["g"])
    wait_for(alice, zyre.Join)
    alice.publish(tmp_path / "x", group="g")
    bob.decline(wait_for(bob, zyre.Offered).offer.id, "no thanks")
    assert wait_for(alice, zyre.Declined).reason == "no thanks"


def test_what_cannot_be_shared_is_an_error(bed, tmp_path):
    alice = bed.node("alice")
    with pytest.raises(zyre.ShareError, match="publishing=True"):
        alice.publish(tmp_path)
    bob = bed.node("bob", publishing=True)
    with pytest.raises(zyre.ShareError, match="nosuch"):
        bob.publish(tmp_path / "nosuch")
    with pytest.raises(ValueError, match="not to both"):
        bob.publish(tmp_path, group="g", peer=alice.id)
    with pytest.raises(zyre.StartError, match="the received folder"):
        bed.node(receive="/proc/nosuch")
