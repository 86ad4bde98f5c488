//! The people who are here, and what to call them: several may have the same nick.

use std::collections::BTreeMap;

use zyre::PeerId;

use crate::text;

/// The fewest digits of an id that are shown.
const DIGITS: usize = 4;

/// The people who are present, as the events so far tell.
pub(crate) struct People {
    own_nick: String,
    nicks: BTreeMap<PeerId, String>,
}

impl People {
    /// Begins with nobody but the user.
    pub(crate) fn new(own_name: &str) -> Self {
        Self { own_nick: text::nick(own_name), nicks: BTreeMap::new() }
    }

    /// Adds a peer that has come.
    pub(crate) fn enter(&mut self, peer: PeerId, name: &str) {
        self.nicks.insert(peer, text::nick(name));
    }

    /// Removes a peer that has gone.
    pub(crate) fn exit(&mut self, peer: PeerId) {
        self.nicks.remove(&peer);
    }

    /// Returns the nick of the user.
    pub(crate) fn own_nick(&self) -> &str {
        &self.own_nick
    }

    /// Returns the nick of a peer, with the beginning of its id if others have the same nick.
    pub(crate) fn label(&self, peer: PeerId) -> String {
        let Some(nick) = self.nicks.get(&peer) else { return peer.default_name() };
        let alone = self.nicks.iter().all(|(other, name)| name != nick || *other == peer);
        if alone && *nick != self.own_nick { nick.clone() } else { self.full_label(peer, nick) }
    }

    /// Returns a nick with as many digits of the id as tell it from all others.
    fn full_label(&self, peer: PeerId, nick: &str) -> String {
        let id = peer.to_string();
        let shared = |other: &PeerId| {
            other.to_string().bytes().zip(id.bytes()).take_while(|(a, b)| a == b).count()
        };
        let others = self.nicks.keys().filter(|other| **other != peer);
        let digits = others.map(|other| shared(other) + 1).fold(DIGITS, usize::max);
        format!("{nick}#{}", &id[..digits])
    }

    /// Finds the peer that is meant by a nick, `NICK#ID` or `#ID`; the beginning of an id is
    /// enough.
    ///
    /// # Errors
    /// A text for the user if no peer is meant, or more than one.
    pub(crate) fn find(&self, text: &str) -> Result<PeerId, String> {
        let mut found: Vec<_> =
            self.nicks.iter().filter(|(_, nick)| *nick == text).map(|(peer, _)| *peer).collect();
        if let (true, Some((nick, id))) = (found.is_empty(), text.rsplit_once('#')) {
            let id = id.to_lowercase();
            let named = |name: &str| nick.is_empty() || name == nick;
            let meant = |peer: &PeerId| !id.is_empty() && peer.to_string().starts_with(&id);
            found = self
                .nicks
                .iter()
                .filter(|(peer, name)| named(name) && meant(peer))
                .map(|(peer, _)| *peer)
                .collect();
        }
        match *found {
            [peer] => Ok(peer),
            [] if text == self.own_nick => Err("that is you".to_owned()),
            [] => Err(format!("nobody here is called {}: see /peers", text::nick(text))),
            _ => {
                let labels: Vec<_> = found
                    .iter()
                    .filter_map(|peer| Some(self.full_label(*peer, self.nicks.get(peer)?)))
                    .collect();
                Err(format!("which one do you mean: {}?", labels.join(", ")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(start: [u8; 3]) -> PeerId {
        let mut bytes = [0; 16];
        bytes[..3].copy_from_slice(&start);
        PeerId::new(bytes)
    }

    fn people(nicks: &[(PeerId, &str)]) -> People {
        let mut people = People::new("alice");
        nicks.iter().for_each(|(peer, nick)| people.enter(*peer, nick));
        people
    }

    #[test]
    fn a_nick_of_its_own_is_enough() {
        let (bob, carol) = (id([1, 2, 3]), id([4, 5, 6]));
        let people = people(&[(bob, "bob"), (carol, "carol d#1")]);
        assert_eq!(people.label(bob), "bob");
        assert_eq!(people.find("bob"), Ok(bob));
        assert_eq!(people.find("carol d#1"), Ok(carol));
        assert_eq!(people.find("#0405"), Ok(carol));
        assert!(people.find("Bob").is_err());
        assert_eq!(people.find("alice"), Err("that is you".to_owned()));
        assert!(people.find("").is_err());
    }

    #[test]
    fn the_same_nick_twice_takes_the_id() {
        let (one, two, me) = (id([1, 2, 3]), id([1, 2, 4]), id([7, 8, 9]));
        let mut people = people(&[(one, "bob"), (two, "bob"), (me, "alice")]);
        assert_eq!(people.label(one), "bob#010203");
        assert_eq!(people.label(me), "alice#0708");
        let told = people.find("bob").unwrap_err();
        assert_eq!(told, "which one do you mean: bob#010203, bob#010204?");
        assert_eq!(people.find("bob#010204"), Ok(two));
        assert_eq!(people.find("bob#010204"), people.find("#010204"));
        assert!(people.find("bob#0102").is_err());
        assert!(people.find("#").is_err());
        people.exit(one);
        assert_eq!(people.find("bob"), Ok(two));
        assert_eq!(people.label(two), "bob");
    }

    #[test]
    fn nobody_forges_a_label() {
        // A nick that looks like another one with its id: the nick is found first, the id decides.
        let (one, two) = (id([1, 2, 3]), id([4, 5, 6]));
        let people = people(&[(one, "bob"), (two, "bob\u{200b}")]);
        assert_eq!(people.find("bob"), Ok(one));
        assert_eq!(people.label(two), "bob\u{fffd}");
    }
}
