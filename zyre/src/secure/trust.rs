//! Which nodes a secure node trusts.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use subtle::ConstantTimeEq as _;
use zmtp::sync::Mutex;
use zmtp::{PeerInfo, SessionKeys, Side};
use zre_proto::PeerId;

use super::file::{self, KeyFileError};
use super::identity::{bound_to, is_marked};
use super::network_key::PROOF_LEN;
use super::public_key::KeyWords;
use super::{NetworkKey, PublicKey};

/// The property by which each end of a connection proves that it has a network key.
pub(super) const NETWORK_PROPERTY: &str = "X-Zyre-Network";

/// Networks that one node may be in: the old one and the new one, while a network changes its key.
const MAX_NETWORKS: usize = 2;

/// The application is asked about one stranger in this time.
const ASK_INTERVAL: Duration = Duration::from_secs(1);

/// Strangers that the application may be asked about at a time.
const MAX_ASKED: usize = 16;

/// A stranger that was not heard for this long may be asked about again, and makes room for others.
const FORGET_STRANGER: Duration = Duration::from_secs(60);

/// Words that may be waited for.
const MAX_AWAITED: usize = 16;

/// Which nodes a secure node trusts. It neither connects to others, nor lets them in, nor tells them
/// anything. There is no default.
///
/// Kinds can be joined: a node may be in a network and know some others by their keys.
///
/// ```
/// # fn f(network: zyre::NetworkKey, bob: zyre::PublicKey) {
/// use zyre::Trust;
///
/// let trust = Trust::network(network).and(Trust::only([bob]));
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "trust is given to `Builder::secure`"]
pub struct Trust {
    keys: BTreeSet<PublicKey>,
    file: Option<PathBuf>,
    networks: Vec<NetworkKey>,
    asks: bool,
    anyone: bool,
}

impl Trust {
    /// Trusts these keys.
    pub fn only(keys: impl IntoIterator<Item = PublicKey>) -> Self {
        Self { keys: keys.into_iter().collect(), ..Self::default() }
    }

    /// Trusts the keys in a file: one in each line, as it is displayed, and behind it what people
    /// want to note. Lines that begin with `#` are skipped. The file is read again when it changes:
    /// a key that it does not name any more is shut out at once. While it cannot be read, or has a
    /// line that is no key, what it said before holds, and
    /// [`Event::TrustFileUnusable`](crate::Event::TrustFileUnusable) says so.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self { file: Some(path.into()), ..Self::default() }
    }

    /// Trusts all nodes that have this network key: the normal way. Nodes of the C library cannot
    /// have one, and are trusted by their keys.
    pub fn network(key: NetworkKey) -> Self {
        Self { networks: vec![key], ..Self::default() }
    }

    /// Trusts nobody before the application says so. It is asked about each stranger, by
    /// [`Event::Stranger`](crate::Event::Stranger).
    pub fn ask() -> Self {
        Self { asks: true, ..Self::default() }
    }

    /// Trusts every node: messages are encrypted, and every node that connects may listen and
    /// speak. This protects from passive listeners on the network, and from nothing else.
    pub fn anyone() -> Self {
        Self { anyone: true, ..Self::default() }
    }

    /// Trusts others as well. Of two files, and of more than two networks, the first ones count.
    pub fn and(mut self, other: Self) -> Self {
        self.keys.extend(other.keys);
        self.file = self.file.or(other.file);
        self.networks.extend(other.networks);
        self.networks.truncate(MAX_NETWORKS);
        self.asks |= other.asks;
        self.anyone |= other.anyone;
        self
    }

    /// The network that the ids of the node are marked with.
    pub(crate) fn main_network(&self) -> Option<&NetworkKey> {
        self.networks.first()
    }
}

/// What a claim is worth: that a node with this id and key is somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Worth {
    /// It may be connected to.
    Dial,
    /// Nobody who is known.
    Nothing,
    /// The application decides about the key.
    Ask,
}

/// The keys that a node trusts now.
#[derive(Debug)]
pub(crate) struct Trusted(Mutex<Now>);

#[derive(Debug)]
struct Now {
    trust: Trust,
    /// What the file says, and when that was written.
    of_file: BTreeSet<PublicKey>,
    read_at: Option<(SystemTime, u64)>,
    /// Whose the beginnings of ids are, of all keys that are listed.
    bound: BTreeMap<[u8; 8], PublicKey>,
    distrusted: BTreeSet<PublicKey>,
    /// Keys that the file does not name any more, and that have not shown since that they are trusted
    /// all the same.
    unlisted: BTreeSet<PublicKey>,
    awaited: VecDeque<KeyWords>,
    /// Strangers that the application was asked about, and when they were heard last.
    asked: BTreeMap<PublicKey, Instant>,
    asked_at: Option<Instant>,
}

impl Trusted {
    /// # Errors
    /// There is a file that cannot be read, or has a line that is no key.
    pub(crate) fn new(trust: Trust) -> Result<Self, KeyFileError> {
        let mut now = Now {
            trust,
            of_file: BTreeSet::new(),
            read_at: None,
            bound: BTreeMap::new(),
            distrusted: BTreeSet::new(),
            unlisted: BTreeSet::new(),
            awaited: VecDeque::new(),
            asked: BTreeMap::new(),
            asked_at: None,
        };
        now.read_file()?;
        now.bind();
        Ok(Self(Mutex::new(now)))
    }

    /// How far a claim that a node with this id and key is at an endpoint is believed. The claim may be
    /// forged, so its cost is bounded.
    pub(crate) fn worth(&self, at: Instant, id: &PeerId, key: &PublicKey) -> Worth {
        let mut now = self.0.lock();
        if now.distrusted.contains(key) || now.is_taken(id, key) {
            return Worth::Nothing;
        }
        let trusts = now.lists(key)
            || now.trust.anyone
            || now.trust.networks.iter().any(|network| is_marked(id, key, network));
        if trusts || now.takes_awaited(key) {
            return Worth::Dial;
        }
        if now.trust.asks && now.asks_about(at, *key) { Worth::Ask } else { Worth::Nothing }
    }

    /// Whether a connection may go on whose other end has proved its key, and says this of itself.
    pub(crate) fn admits(&self, keys: &SessionKeys, peer: &PeerInfo) -> bool {
        let key = PublicKey::of_curve(keys.remote());
        let id = PeerId::from_routing_id(&peer.identity);
        let mut now = self.0.lock();
        if now.distrusted.contains(&key) || id.is_some_and(|id| now.is_taken(&id, &key)) {
            return false;
        }
        if now.lists(&key) || now.trust.anyone {
            return true;
        }
        let admits = now.proves_network(keys, peer, &key) || now.takes_awaited(&key);
        if admits {
            now.unlisted.remove(&key);
        }
        admits
    }

    /// Whether the application is asked about strangers.
    pub(crate) fn asks(&self) -> bool {
        self.0.lock().trust.asks
    }

    /// Whether the application is to be asked about a stranger now.
    pub(crate) fn asks_about(&self, at: Instant, key: PublicKey) -> bool {
        self.0.lock().asks_about(at, key)
    }

    /// Whether a key was shut out.
    pub(crate) fn is_distrusted(&self, key: &PublicKey) -> bool {
        self.0.lock().distrusted.contains(key)
    }

    /// Whether a key that was let in before may be trusted still: what it has proved besides is not
    /// known any more.
    pub(crate) fn may_trust(&self, key: &PublicKey) -> bool {
        let now = self.0.lock();
        let trust = &now.trust;
        !now.distrusted.contains(key)
            && (now.lists(key)
                || trust.anyone
                || !trust.networks.is_empty() && !now.unlisted.contains(key))
    }

    /// What this node proves to the other end of a connection; `None` if it is in no network.
    pub(crate) fn proofs(&self, keys: &SessionKeys) -> Option<Vec<u8>> {
        let now = self.0.lock();
        let proofs = now.trust.networks.iter().flat_map(|it| *it.proof(keys.side, keys));
        Some(proofs.collect()).filter(|proofs: &Vec<u8>| !proofs.is_empty())
    }

    /// Trusts a key from now on.
    pub(crate) fn trust(&self, key: PublicKey) {
        let mut now = self.0.lock();
        now.trust_key(key);
    }

    /// Does not trust a key from now on, whatever else speaks for it.
    pub(crate) fn distrust(&self, key: PublicKey) {
        let mut now = self.0.lock();
        now.trust.keys.remove(&key);
        now.asked.remove(&key);
        now.distrusted.insert(key);
        now.bind();
    }

    /// Trusts the first key that is heard and has these words.
    pub(crate) fn await_words(&self, words: KeyWords) {
        let mut now = self.0.lock();
        if let Some(key) = now.asked.keys().find(|key| key.words() == words).copied() {
            return now.trust_key(key);
        }
        if now.awaited.len() >= MAX_AWAITED {
            now.awaited.pop_front();
        }
        now.awaited.push_back(words);
    }

    /// Reads the file again if it has changed. Returns the keys that are not trusted any more; `None`
    /// if it has not changed.
    pub(crate) fn follow_file(&self) -> Result<Option<Vec<PublicKey>>, KeyFileError> {
        let mut now = self.0.lock();
        let Some(before) = now.read_file()? else { return Ok(None) };
        now.bind();
        let lost = before.into_iter().filter(|key| !now.lists(key) && !now.trust.anyone);
        let lost: Vec<PublicKey> = lost.collect();
        now.unlisted.extend(&lost);
        Ok(Some(lost))
    }
}

impl Now {
    fn lists(&self, key: &PublicKey) -> bool {
        self.trust.keys.contains(key) || self.of_file.contains(key)
    }

    /// Whether an id begins as those of another key that is known: nobody takes it from that one.
    fn is_taken(&self, id: &PeerId, key: &PublicKey) -> bool {
        let owner = id.as_bytes().first_chunk().and_then(|start| self.bound.get(start));
        owner.is_some_and(|owner| owner != key)
    }

    fn bind(&mut self) {
        let all = self.trust.keys.iter().chain(&self.of_file);
        self.bound = all.map(|key| (bound_to(key), *key)).collect();
    }

    fn trust_key(&mut self, key: PublicKey) {
        self.trust.keys.insert(key);
        self.distrusted.remove(&key);
        self.asked.remove(&key);
        self.bound.insert(bound_to(&key), key);
    }

    /// Whether a key has words that are waited for: then it is trusted from now on.
    fn takes_awaited(&mut self, key: &PublicKey) -> bool {
        if self.awaited.is_empty() {
            return false;
        }
        let words = key.words();
        let Some(at) = self.awaited.iter().position(|awaited| *awaited == words) else {
            return false;
        };
        self.awaited.remove(at);
        self.trust_key(*key);
        true
    }

    /// Whether the other end has proved that it has a network key of this node's. If it says which node
    /// it is, its id has to show it as well: nobody takes the id of another member, and nodes that are
    /// only heard of can be told from strangers. Gossip and the log are connections without an id.
    fn proves_network(&self, keys: &SessionKeys, peer: &PeerInfo, key: &PublicKey) -> bool {
        let Some(proofs) = peer.property(NETWORK_PROPERTY) else { return false };
        let shows = |network: &NetworkKey| {
            let id = PeerId::from_routing_id(&peer.identity);
            peer.identity.is_empty() || id.is_some_and(|id| is_marked(&id, key, network))
        };
        let prover = match keys.side {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        };
        self.trust.networks.iter().any(|network| {
            let expected = network.proof(prover, keys);
            let proves = |proof: &[u8]| bool::from(proof.ct_eq(&*expected));
            let (chunks, _) = proofs.as_chunks::<PROOF_LEN>();
            chunks.iter().take(MAX_NETWORKS).any(|proof| proves(proof)) && shows(network)
        })
    }

    /// Whether the application is to be asked about a stranger now.
    fn asks_about(&mut self, at: Instant, key: PublicKey) -> bool {
        self.asked.retain(|_, heard| at.saturating_duration_since(*heard) < FORGET_STRANGER);
        if let Some(heard) = self.asked.get_mut(&key) {
            *heard = at;
            return false;
        }
        let lately = |asked: Instant| at.saturating_duration_since(asked) < ASK_INTERVAL;
        if self.asked.len() >= MAX_ASKED || self.asked_at.is_some_and(lately) {
            return false;
        }
        self.asked.insert(key, at);
        self.asked_at = Some(at);
        true
    }

    /// Reads the file if it has changed. Returns what it said before.
    fn read_file(&mut self) -> Result<Option<BTreeSet<PublicKey>>, KeyFileError> {
        let Some(path) = &self.trust.file else { return Ok(None) };
        let failed = |source| KeyFileError::Io { path: path.clone(), source };
        let metadata = path.metadata().map_err(failed)?;
        let stamp = (metadata.modified().map_err(failed)?, metadata.len());
        if self.read_at == Some(stamp) {
            return Ok(None);
        }
        let before = std::mem::replace(&mut self.of_file, read_list(path)?);
        self.read_at = Some(stamp);
        Ok(Some(before))
    }
}

/// The keys in a file: one in each line, and behind it what people want to note.
fn read_list(path: &Path) -> Result<BTreeSet<PublicKey>, KeyFileError> {
    let text = file::read_public(path)?;
    let lines = (1..).zip(text.lines().map(str::trim));
    let keys = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let read = |(number, line): (usize, &str)| {
        let key = line.split_whitespace().next().unwrap_or_default();
        let wrong = |error| KeyFileError::damaged(path, format!("line {number}: {error}"));
        key.parse().map_err(wrong)
    };
    keys.map(read).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::{Duration, Instant};

    use zmtp::{PeerInfo, SessionKeys, Side, SocketType};
    use zre_proto::PeerId;

    use super::{MAX_ASKED, NETWORK_PROPERTY, Trust, Trusted, Worth};
    use crate::secure::id_of;
    use crate::{Identity, NetworkKey, PublicKey};

    fn key() -> PublicKey {
        Identity::create().unwrap().public_key()
    }

    fn trusted(trust: Trust) -> Trusted {
        Trusted::new(trust).unwrap()
    }

    fn any_id(key: &PublicKey, network: Option<&NetworkKey>) -> PeerId {
        id_of(key, network, PeerId::new([7; 16]))
    }

    /// A connection, in either direction.
    fn session(side: Side, own: PublicKey, remote: PublicKey) -> SessionKeys {
        let (client, server) = match side {
            Side::Client => (own, remote),
            Side::Server => (remote, own),
        };
        let short = || key().to_curve();
        SessionKeys::new(side, [client.to_curve(), server.to_curve()], [short(), short()])
    }

    /// What a node says of itself.
    fn told(id: PeerId, proof: Option<&[u8]>) -> PeerInfo {
        let info = PeerInfo::new(SocketType::Dealer, id.routing_id().to_vec());
        match proof {
            Some(proof) => info.with_property(NETWORK_PROPERTY, proof),
            None => info,
        }
    }

    #[test]
    fn listed_keys_are_trusted_and_no_others() {
        let (now, own, [alice, bob, eve]) = (Instant::now(), key(), [(); 3].map(|()| key()));
        let trusted = trusted(Trust::only([alice, bob]));
        let worth = |key: &PublicKey| trusted.worth(now, &any_id(key, None), key);
        assert_eq!([&alice, &bob, &eve].map(worth), [Worth::Dial, Worth::Dial, Worth::Nothing]);
        for side in [Side::Client, Side::Server] {
            let admits =
                |key| trusted.admits(&session(side, own, key), &told(any_id(&key, None), None));
            assert_eq!([alice, bob, eve].map(admits), [true, true, false], "{side:?}");
        }
        trusted.trust(eve);
        trusted.distrust(alice);
        assert_eq!([&alice, &eve].map(worth), [Worth::Nothing, Worth::Dial]);
        assert!(trusted.is_distrusted(&alice) && !trusted.is_distrusted(&eve));
        trusted.trust(alice);
        assert_eq!(worth(&alice), Worth::Dial);
    }

    #[test]
    fn nobody_takes_the_id_of_another_key_that_is_known() {
        let (now, own, [alice, bob]) = (Instant::now(), key(), [(); 2].map(|()| key()));
        let trusted = trusted(Trust::only([alice, bob]));
        let of_alice = any_id(&alice, None);
        assert_eq!(trusted.worth(now, &of_alice, &bob), Worth::Nothing);
        assert!(!trusted.admits(&session(Side::Server, own, bob), &told(of_alice, None)));
        // A node of another implementation has any id.
        let any = PeerId::new([9; 16]);
        assert_eq!(trusted.worth(now, &any, &bob), Worth::Dial);
        // Those that are trusted later are known as well, and those that are not are forgotten.
        let carol = key();
        let of_carol = any_id(&carol, None);
        assert_eq!(trusted.worth(now, &of_carol, &bob), Worth::Dial);
        trusted.trust(carol);
        assert_eq!(trusted.worth(now, &of_carol, &bob), Worth::Nothing);
        trusted.distrust(carol);
        assert_eq!(trusted.worth(now, &of_carol, &bob), Worth::Dial);
    }

    #[test]
    fn members_of_a_network_are_known_by_their_ids_and_prove_it() {
        let (now, own, alice) = (Instant::now(), key(), key());
        let [network, other] = [(); 2].map(|()| NetworkKey::generate().unwrap());
        let trusted = trusted(Trust::network(network.clone()));
        let [member, stranger] = [&network, &other].map(|it| any_id(&alice, Some(it)));
        assert_eq!(trusted.worth(now, &member, &alice), Worth::Dial);
        assert_eq!(trusted.worth(now, &stranger, &alice), Worth::Nothing);
        for (ours, theirs) in [(Side::Client, Side::Server), (Side::Server, Side::Client)] {
            let keys = session(ours, own, alice);
            let proof = network.proof(theirs, &keys);
            let admits = |id, proof: Option<&[u8]>| trusted.admits(&keys, &told(id, proof));
            assert!(admits(member, Some(&*proof)));
            assert!(!admits(member, None));
            assert!(!admits(stranger, Some(&*proof)), "the id does not show it");
            let says = |identity: &[u8]| {
                let peer = PeerInfo::new(SocketType::Sub, identity.to_vec());
                trusted.admits(&keys, &peer.with_property(NETWORK_PROPERTY, &*proof))
            };
            assert!(says(b""), "not all connections are those of a mailbox");
            assert!(!says(b"x") && !says(&[1; 18]), "no id");
            assert!(!admits(member, Some(&proof[..31])));
            assert!(!admits(member, Some(&*other.proof(theirs, &keys))));
            assert!(!admits(member, Some(&*network.proof(ours, &keys))), "our own, sent back");
            let elsewhere = session(ours, own, alice);
            let replayed = network.proof(theirs, &elsewhere);
            assert!(!admits(member, Some(&*replayed)), "of another connection");
            // While a network changes its key both are shown.
            let both = [*other.proof(theirs, &keys), *proof].concat();
            assert!(admits(member, Some(&both)));
            let many = [&[0; 64][..], &*proof].concat();
            assert!(!admits(member, Some(&many)), "one cannot try many");
        }
        trusted.distrust(alice);
        let keys = session(Side::Server, own, alice);
        let proof = network.proof(Side::Client, &keys);
        assert!(!trusted.admits(&keys, &told(member, Some(&*proof))), "it was shut out");
        assert!(!trusted.may_trust(&alice) && trusted.may_trust(&key()));
    }

    /// In a network everybody may be a member, so who was let in by a list alone has to be known.
    #[test]
    fn who_is_not_listed_any_more_has_to_be_a_member_to_stay() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("trusted");
        let (own, [alice, bob]) = (key(), [(); 2].map(|()| key()));
        std::fs::write(&path, format!("{alice}\n{bob}\n")).unwrap();
        let network = NetworkKey::generate().unwrap();
        let trusted = trusted(Trust::network(network.clone()).and(Trust::file(&path)));
        let bob_s = session(Side::Server, own, bob);
        assert!(trusted.admits(&bob_s, &told(any_id(&bob, None), None)));
        std::fs::write(&path, "").unwrap();
        let lost: BTreeSet<_> = trusted.follow_file().unwrap().unwrap().into_iter().collect();
        assert_eq!(lost, BTreeSet::from([alice, bob]));
        assert_eq!([&alice, &bob].map(|key| trusted.may_trust(key)), [false; 2]);
        // Who is one shows it when it comes again.
        let alice_s = session(Side::Server, own, alice);
        let proof = network.proof(Side::Client, &alice_s);
        let member = any_id(&alice, Some(&network));
        assert!(trusted.admits(&alice_s, &told(member, Some(&*proof))));
        assert!(!trusted.admits(&bob_s, &told(any_id(&bob, None), None)));
        assert_eq!([&alice, &bob].map(|key| trusted.may_trust(key)), [true, false]);
        std::fs::write(&path, format!("{bob}\n")).unwrap();
        assert_eq!(trusted.follow_file().unwrap(), Some(vec![]));
        assert!(trusted.may_trust(&bob), "it is listed again");
    }

    #[test]
    fn what_is_proved_to_others_is_that_of_each_network() {
        let keys = session(Side::Client, key(), key());
        let [one, two] = [(); 2].map(|()| NetworkKey::generate().unwrap());
        assert_eq!(trusted(Trust::anyone()).proofs(&keys), None);
        let both = trusted(Trust::network(one.clone()).and(Trust::network(two.clone())));
        let expected = [*one.proof(Side::Client, &keys), *two.proof(Side::Client, &keys)].concat();
        assert_eq!(both.proofs(&keys), Some(expected));
    }

    #[test]
    fn the_application_is_asked_once_a_second_and_about_so_many_strangers() {
        let start = Instant::now();
        let trusted = trusted(Trust::ask());
        let worth = |seconds: f64, key: &PublicKey| {
            trusted.worth(start + Duration::from_secs_f64(seconds), &any_id(key, None), key)
        };
        let strangers = [(); MAX_ASKED + 2].map(|()| key());
        assert_eq!(worth(0.0, &strangers[0]), Worth::Ask);
        assert_eq!(worth(0.1, &strangers[0]), Worth::Nothing, "once");
        assert_eq!(worth(0.9, &strangers[1]), Worth::Nothing, "not in the same second");
        for (second, stranger) in (1_u32..).zip(&strangers[1..MAX_ASKED]) {
            assert_eq!(worth(second.into(), stranger), Worth::Ask, "{second}");
        }
        let late = &strangers[MAX_ASKED];
        assert_eq!(worth(30.0, late), Worth::Nothing, "there are enough");
        // Those that are heard no more make room.
        assert_eq!(worth(59.0, &strangers[0]), Worth::Nothing);
        assert_eq!(worth(70.0, late), Worth::Ask);
        assert_eq!(worth(71.5, &strangers[0]), Worth::Nothing, "it was asked about");
        trusted.trust(*late);
        assert_eq!(worth(72.0, late), Worth::Dial);
    }

    #[test]
    fn words_are_waited_for_however_many_strangers_there_are() {
        let (now, own) = (Instant::now(), key());
        let [early, late, connected] = [(); 3].map(|()| key());
        let trusted = trusted(Trust::ask());
        let worth = |key: &PublicKey| trusted.worth(now, &any_id(key, None), key);
        assert_eq!(worth(&early), Worth::Ask);
        trusted.await_words(early.words());
        assert_eq!(worth(&early), Worth::Dial, "it was heard before");
        [late, connected].iter().for_each(|it| trusted.await_words(it.words()));
        for _ in 0..100 {
            let stranger = key();
            assert_eq!(worth(&stranger), Worth::Nothing);
        }
        assert_eq!(worth(&late), Worth::Dial);
        let keys = session(Side::Server, own, connected);
        assert!(trusted.admits(&keys, &told(any_id(&connected, None), None)));
    }

    #[test]
    fn anyone_is_anyone_but_those_that_are_shut_out() {
        let (now, own, eve) = (Instant::now(), key(), key());
        let trusted = trusted(Trust::anyone());
        let id = any_id(&eve, None);
        assert_eq!(trusted.worth(now, &id, &eve), Worth::Dial);
        let keys = session(Side::Server, own, eve);
        assert!(trusted.admits(&keys, &told(id, None)));
        trusted.distrust(eve);
        assert_eq!(trusted.worth(now, &id, &eve), Worth::Nothing);
        assert!(!trusted.admits(&keys, &told(id, None)));
    }

    #[test]
    fn a_list_in_a_file_is_read_again_when_it_has_changed() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("trusted");
        let (now, [alice, bob]) = (Instant::now(), [(); 2].map(|()| key()));
        std::fs::write(&path, format!("{alice}\n\n # a comment\n  {bob} bob\n")).unwrap();
        let trusted = trusted(Trust::file(&path));
        let worth = |key: &PublicKey| trusted.worth(now, &any_id(key, None), key);
        assert_eq!([&alice, &bob].map(worth), [Worth::Dial; 2]);
        assert_eq!(trusted.follow_file().unwrap(), None);
        std::fs::write(&path, format!("{bob}\n")).unwrap();
        assert_eq!(trusted.follow_file().unwrap(), Some(vec![alice]));
        assert_eq!([&alice, &bob].map(|key| trusted.may_trust(key)), [false, true]);
        assert_eq!([&alice, &bob].map(worth), [Worth::Nothing, Worth::Dial]);
        for damaged in [&b"nobody\n"[..], b"\xFF"] {
            std::fs::write(&path, damaged).unwrap();
            assert!(trusted.follow_file().is_err());
            assert_eq!(worth(&bob), Worth::Dial, "what it said before holds");
        }
        std::fs::remove_file(&path).unwrap();
        assert!(trusted.follow_file().is_err());
        std::fs::write(&path, format!("{alice}\n")).unwrap();
        assert_eq!(trusted.follow_file().unwrap(), Some(vec![bob]));
    }
}
