//! Attacks on a node: one list, run by the tests of the library on a node with one peer, and by
//! `zyre-tester hostile` on one with ten.
//!
//! An [`Attack`] has a name and a function that is given a [`Target`]. What an attack sends is also
//! there by itself, as lists of bytes, for tests that look at the answer to each.

mod attack;
pub mod beacons;
mod connections;
mod contents;
pub mod file_clients;
mod file_server_floods;
pub mod file_servers;
mod file_sides;
mod file_target;
mod floods;
pub mod gossip;
pub mod hellos;
mod impostors;
mod mailboxes;
pub mod messages;
mod secure;
mod secure_doors;
mod secure_floods;
mod secure_target;
mod target;
pub mod transport;
pub mod two_way;
mod two_way_floods;
mod two_way_impostors;
mod two_way_mailboxes;

pub use self::attack::{Attack, Done, Run};
pub use self::file_target::{FRIENDS, FileTarget, PUBLIC, SECRET, make_home};
pub use self::secure_target::SecureTarget;
pub use self::target::{GROUP, Good, GossipTarget, Target};

/// Returns all attacks, in the order in which they are run.
pub fn all() -> Vec<Attack> {
    [
        beacons::ATTACKS,
        transport::ATTACKS,
        connections::ATTACKS,
        mailboxes::ATTACKS,
        messages::ATTACKS,
        contents::ATTACKS,
        impostors::ATTACKS,
        floods::ATTACKS,
        two_way::ATTACKS,
        two_way_impostors::ATTACKS,
        two_way_mailboxes::ATTACKS,
        two_way_floods::ATTACKS,
        gossip::ATTACKS,
        file_clients::ATTACKS,
        file_servers::ATTACKS,
        file_server_floods::ATTACKS,
        secure::ATTACKS,
        secure_doors::ATTACKS,
        secure_floods::ATTACKS,
    ]
    .concat()
}

/// Returns the attacks of these names, or whose names begin so; all if there are no names.
///
/// # Errors
/// If no attack has such a name.
pub fn chosen(names: &[String]) -> Result<Vec<Attack>, String> {
    let all = all();
    for name in names {
        if !all.iter().any(|attack| attack.is_called(name)) {
            return Err(format!("no attack is called {name:?}; --list shows all"));
        }
    }
    let wanted = |attack: &Attack| names.is_empty() || names.iter().any(|n| attack.is_called(n));
    Ok(all.into_iter().filter(wanted).collect())
}
