//! Whose each name was: a name is what people see of a peer, and anybody can have it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::PublicKey;

/// The most names that are remembered. Of more the one goes that was heard least recently.
const MAX_NAMES: usize = 1024;

/// The names under which peers have entered in the life of this node, and the keys that had them last.
#[derive(Debug, Default)]
pub(super) struct KnownNames {
    last: u64,
    names: BTreeMap<Arc<str>, Known>,
    /// The names in the order in which they were heard.
    order: BTreeMap<u64, Arc<str>>,
}

#[derive(Debug)]
struct Known {
    key: PublicKey,
    heard: u64,
}

impl KnownNames {
    /// A peer with this key has entered by this name. Returns the key that had it before, if that is
    /// another one.
    pub(super) fn enter(&mut self, name: &Arc<str>, key: PublicKey) -> Option<PublicKey> {
        self.last += 1;
        let heard = self.last;
        let before = self.names.insert(Arc::clone(name), Known { key, heard });
        if let Some(before) = &before {
            self.order.remove(&before.heard);
        }
        self.order.insert(heard, Arc::clone(name));
        if self.names.len() > MAX_NAMES
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.names.remove(&oldest);
        }
        before.map(|before| before.key).filter(|before| *before != key)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{KnownNames, MAX_NAMES};
    use crate::Identity;

    #[test]
    fn a_name_is_that_of_the_last_key_that_had_it() {
        let [one, other] = [(); 2].map(|()| Identity::create().unwrap().public_key());
        let mut names = KnownNames::default();
        let mut enter = |name: &str, key| names.enter(&name.into(), key);
        assert_eq!(enter("alice", one), None);
        assert_eq!(enter("bob", other), None);
        assert_eq!(enter("alice", one), None, "she is back");
        assert_eq!(enter("alice", other), Some(one));
        assert_eq!(enter("alice", other), None, "once");
        assert_eq!(enter("alice", one), Some(other));
    }

    #[test]
    fn of_too_many_names_the_one_that_was_not_heard_for_longest_is_forgotten() {
        let [one, other] = [(); 2].map(|()| Identity::create().unwrap().public_key());
        let mut names = KnownNames::default();
        let name = |number: usize| Arc::<str>::from(number.to_string());
        for number in 0..MAX_NAMES {
            assert_eq!(names.enter(&name(number), one), None);
        }
        assert_eq!(names.enter(&name(0), one), None);
        assert_eq!(names.enter(&name(MAX_NAMES), one), None);
        assert_eq!((names.names.len(), names.order.len()), (MAX_NAMES, MAX_NAMES));
        assert_eq!(names.enter(&name(0), other), Some(one));
        assert_eq!(names.enter(&name(1), other), None);
    }
}
