//! Our node without beacons requires the endpoint of another implementation, whose mailbox does not
//! tell whose it is.

use serde_json::json;
use testkit::failure::{Failure, Result};
use testkit::wait::free_port;

use crate::cases::{about, pass};
use crate::environment::{Bed, Options, run};
use crate::kind::Kind;
use crate::peer::Peer;

pub(crate) fn pyre() {
    run("ours requires pyre", |bed| {
        let bob = bed.start(Kind::Pyre, "bob", &member(None))?;
        let endpoint = bob.endpoint.clone().ok_or_else(|| Failure::new("bob is nowhere"))?;
        let alice = requiring(bed, &endpoint)?;
        meet(&alice, &bob)?;
        bed.no_exit()?;
        // It hears no beacon, and does not know GOODBYE, but that something came to an end.
        let mark = alice.say("quit")?;
        bob.expect_after(mark, &about("EXIT", &alice, json!({})))?;
        Ok(String::new())
    });
}

pub(crate) fn zyrejs() {
    run("ours requires zyre.js", |bed| {
        let mailbox = free_port();
        let mut bob = bed.start(Kind::ZyreJs, "bob", &member(Some(mailbox)))?;
        let alice = requiring(bed, &format!("tcp://localhost:{mailbox}"))?;
        meet(&alice, &bob)?;
        bed.no_exit()?;
        // It comes back at the same place, as another.
        let mark = bob.kill();
        alice.expect_after(mark, &about("EXIT", &bob, json!({})))?;
        let again = bed.start(Kind::ZyreJs, "bob again", &member(Some(mailbox)))?;
        meet(&alice, &again)?;
        Ok(String::new())
    });
}

const fn member(mailbox: Option<u16>) -> Options<'static> {
    Options { groups: &["room"], headers: &[], arguments: &[], mailbox }
}

/// Our node, which has no UDP socket, and knows where the other is.
fn requiring(bed: &Bed, endpoint: &str) -> Result<Peer> {
    let arguments = &["--no-beacon", "--require", endpoint];
    bed.start(Kind::Ours, "alice", &Options { arguments, ..member(None) })
}

/// Each enters at the other, and both talk.
fn meet(alice: &Peer, bob: &Peer) -> Result<()> {
    for (one, other) in [(alice, bob), (bob, alice)] {
        one.expect(&about("ENTER", other, json!({ "name": other.name })))?;
        one.expect(&about("JOIN", other, json!({ "group": "room" })))?;
    }
    pass(alice, bob, "there")?;
    pass(bob, alice, "and back")
}
