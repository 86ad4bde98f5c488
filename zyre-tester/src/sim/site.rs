//! What a host is like: what it can do, what it lets in, and where others are told that it is.

use clap::ValueEnum;

/// What a host is like, whatever process runs there.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Site {
    /// It runs software that knows no two-way connections.
    pub(super) plain: bool,
    /// Its mailbox does not tell its id when others connect.
    pub(super) mute: bool,
    /// It lets no connection in.
    pub(super) wall: Option<Wall>,
    /// It is behind NAT: where it tells to be it is not.
    pub(super) nat: Option<Told>,
    /// Beacons neither reach it nor come from it: it is told of all others, and they are not told
    /// of it.
    pub(super) quiet: bool,
}

/// What becomes of a connection that a host does not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum Wall {
    /// It is never answered.
    Drop,
    /// It is refused.
    Reject,
}

/// Where a host behind NAT is told to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum Told {
    /// Where nobody is.
    Nowhere,
    /// Where another node is, or was.
    Another,
    /// Where the one is that is told: both have the same address, each in its own network.
    Asker,
}

impl Site {
    /// Whether others can connect to it.
    pub(super) const fn lets_in(&self) -> bool {
        self.wall.is_none() && self.nat.is_none()
    }

    /// Whether it hears of the other without a connection of the other.
    const fn hears_of(&self, other: &Self) -> bool {
        self.quiet || !other.quiet
    }

    /// Whether a connection of the two carries both directions.
    pub(super) const fn is_two_way(&self, other: &Self) -> bool {
        !self.plain && !other.plain
    }

    /// Whether two nodes at such hosts can meet: with one connection either of them has to reach
    /// the other, with one each way both have to.
    pub(super) const fn can_meet(&self, other: &Self) -> bool {
        if self.is_two_way(other) {
            (self.hears_of(other) && other.lets_in()) || (other.hears_of(self) && self.lets_in())
        } else {
            self.lets_in() && other.lets_in()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_can_be_reached_is_enough_for_two_of_ours() {
        let open = Site::default();
        let walled = Site { wall: Some(Wall::Drop), ..open };
        let hidden = Site { nat: Some(Told::Asker), ..open };
        assert!(open.can_meet(&walled) && walled.can_meet(&open) && hidden.can_meet(&open));
        assert!(!walled.can_meet(&hidden) && !walled.can_meet(&walled));
        let plain = Site { plain: true, ..open };
        assert!(plain.can_meet(&open) && !plain.can_meet(&walled) && !hidden.can_meet(&plain));
    }

    #[test]
    fn one_that_nobody_is_told_of_has_to_reach_the_others() {
        let open = Site::default();
        let quiet = Site { quiet: true, ..open };
        let walled = Site { wall: Some(Wall::Reject), ..open };
        assert!(quiet.can_meet(&open) && quiet.can_meet(&quiet));
        assert!(!quiet.can_meet(&walled) && !walled.can_meet(&quiet));
        // It is told of the other by the other's connection.
        let walled_quiet = Site { quiet: true, ..walled };
        assert!(walled_quiet.can_meet(&open) && walled_quiet.can_meet(&quiet));
        // With one connection each way the other answers where its HELLO came from.
        assert!(quiet.can_meet(&Site { plain: true, ..open }));
    }
}
