//! The key pair of a node.

use std::fmt;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use zmtp::KeyPair;
use zre_proto::PeerId;

use super::certificate::Certificate;
use super::file::{self, KeyFileError};
use super::{NetworkKey, PublicKey};

/// Bytes of an id that follow from the key.
const BOUND: usize = 8;

/// Draws of a key that nodes of the C library hear: of the first byte of 256 keys one is 0.
const MAX_DRAWS: usize = 64;

/// The key pair of a secure node. Its [`PublicKey`] is what others know it by.
///
/// Kept in a file, the node is the same one after every restart. The file is a certificate as the C
/// library (`zcert`) reads and writes it:
///
/// ```no_run
/// let identity = zyre::Identity::load_or_create("alice.key")?;
/// println!("I am {}", identity.public_key().words());
/// # Ok::<(), zyre::KeyFileError>(())
/// ```
///
/// A program that can read the file can speak in the name of its owner. Clones share the secret,
/// which is overwritten when the last one is dropped; `Debug` does not show it.
#[derive(Clone)]
pub struct Identity(KeyPair);

impl Identity {
    /// Draws a new key pair.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub fn create() -> std::io::Result<Self> {
        for _ in 0..MAX_DRAWS {
            let pair = KeyPair::generate().map_err(std::io::Error::other)?;
            // Nodes of the C library drop beacons whose key begins with a 0.
            if pair.public().as_bytes()[0] != 0 {
                return Ok(Self(pair));
            }
        }
        Err(std::io::Error::other("the random numbers of this host are not random"))
    }

    /// Reads a certificate with a secret key.
    ///
    /// # Errors
    /// It cannot be read, can be read by other users, is no certificate, or has no secret key.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, KeyFileError> {
        let path = path.as_ref();
        let text = file::read_secret(path)?;
        let damaged = |reason: String| KeyFileError::damaged(path, reason);
        let Certificate { public, secret } = Certificate::read(&text).map_err(damaged)?;
        let no_secret = "it has no secret key: this may be the public certificate, and the secret one \
                         is beside it";
        let pair = KeyPair::of(secret.ok_or_else(|| damaged(no_secret.to_owned()))?);
        if public.is_some_and(|public| public != pair.public()) {
            return Err(damaged("the secret key is not that of the public key".to_owned()));
        }
        Ok(Self(pair))
    }

    /// Reads a certificate, or creates it if there is none.
    ///
    /// # Errors
    /// As of [`load`](Self::load) and [`save`](Self::save).
    pub fn load_or_create(path: impl AsRef<Path>) -> Result<Self, KeyFileError> {
        let path = path.as_ref();
        if path.symlink_metadata().is_ok() {
            return Self::load(path);
        }
        let failed = |source| KeyFileError::Io { path: path.to_owned(), source };
        let identity = Self::create().map_err(failed)?;
        match identity.save(path) {
            // Another process was faster.
            Err(KeyFileError::Exists { .. }) => Self::load(path),
            saved => saved.map(|()| identity),
        }
    }

    /// Writes a certificate that only its user can read. One that is there already is not replaced.
    ///
    /// # Errors
    /// It cannot be written, or is there already.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), KeyFileError> {
        file::write_new_secret(path.as_ref(), &Certificate::write(&self.0))
    }

    /// Returns who that is.
    pub const fn public_key(&self) -> PublicKey {
        PublicKey::of_curve(self.0.public())
    }

    pub(super) const fn pair(&self) -> &KeyPair {
        &self.0
    }
}

/// The id of a node with a key: the first half follows from the key, so that nobody takes the id of
/// another key that is known; in a network its end shows who has the network's key. What is left of it
/// is random, and is kept by a node that keeps its id.
pub(crate) fn id_of(key: &PublicKey, network: Option<&NetworkKey>, random: PeerId) -> PeerId {
    let mut id = *random.as_bytes();
    id[..BOUND].copy_from_slice(&bound_to(key));
    if let Some(network) = network {
        let mark = network.mark(key, id.first_chunk().unwrap_or(&[0; 12]));
        id[12..].copy_from_slice(&mark);
    }
    PeerId::new(id)
}

/// Whether an id shows that its node, which has this key, has the network's as well.
pub(super) fn is_marked(id: &PeerId, key: &PublicKey, network: &NetworkKey) -> bool {
    id_of(key, Some(network), *id) == *id
}

pub(super) fn bound_to(key: &PublicKey) -> [u8; BOUND] {
    let mut hash = Sha256::new();
    hash.update(b"ZRE id");
    hash.update(key.as_bytes());
    let mut bound = [0; BOUND];
    bound.copy_from_slice(&hash.finalize()[..BOUND]);
    bound
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.public_key())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use zmtp::KeyPair;
    use zre_proto::PeerId;

    use super::{Identity, bound_to, id_of, is_marked};
    use crate::{KeyFileError, NetworkKey, PublicKey};

    /// In a container every process has the same number.
    #[test]
    fn a_key_is_made_though_a_process_of_the_same_number_was_killed_while_it_made_one() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("alice.key");
        let left = home.path().join(format!("alice.key.{}.new", std::process::id()));
        std::fs::write(&left, "half").unwrap();
        let made = Identity::load_or_create(&path).unwrap();
        let read = Identity::load_or_create(&path).unwrap();
        assert_eq!(made.public_key(), read.public_key());
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_keeps_who_a_node_is() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("alice.key");
        let alice = Identity::load_or_create(&path).unwrap();
        assert_ne!(alice.public_key().as_bytes()[0], 0);
        let again = Identity::load_or_create(&path).unwrap();
        assert_eq!(again.public_key(), alice.public_key());
        let other = Identity::create().unwrap();
        assert!(matches!(other.save(&path), Err(KeyFileError::Exists { .. })));
        assert_eq!(Identity::load(&path).unwrap().public_key(), alice.public_key());
        let names: Vec<_> = std::fs::read_dir(home.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "nothing is left beside it");
        let shown = format!("{alice:?}");
        assert!(shown.contains(&alice.public_key().to_string()) && shown.len() < 60, "{shown}");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_the_file() {
        use std::fs::{Permissions, metadata, set_permissions};
        use std::os::unix::fs::PermissionsExt as _;

        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("alice.key");
        Identity::create().unwrap().save(&path).unwrap();
        assert_eq!(metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for mode in [0o640, 0o604] {
            set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert!(matches!(Identity::load(&path), Err(KeyFileError::Exposed { .. })), "{mode:o}");
        }
    }

    #[test]
    fn what_is_no_identity_is_an_error_and_not_replaced() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("key");
        let write = |text: &[u8]| {
            std::fs::write(&path, text).unwrap();
            #[cfg(unix)]
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))
                .unwrap();
        };
        let [one, two] = [(); 2].map(|()| KeyPair::generate().unwrap());
        let public = format!("curve\n    public-key = \"{}\"\n", one.public());
        let mixed = format!("{public}    secret-key = \"{}\"\n", *two.secret().to_z85());
        for (text, reason) in [
            (&b""[..], "no secret key"),
            (public.as_bytes(), "no secret key"),
            (mixed.as_bytes(), "not that of the public key"),
            (b"\xFF\xFE", "not text"),
            (&[b'#'; 70_000], "more than"),
        ] {
            write(text);
            let error = Identity::load_or_create(&path).unwrap_err();
            assert!(matches!(error, KeyFileError::Damaged { .. }));
            assert!(error.to_string().contains(reason), "{error}");
            assert_eq!(std::fs::read(&path).unwrap(), text);
        }
        let nowhere = Identity::load_or_create(Path::new("/nowhere/at/all.key")).unwrap_err();
        assert!(matches!(nowhere, KeyFileError::Io { .. }));
    }

    #[test]
    fn an_id_shows_its_key_and_its_network() {
        let [alice, bob] = [(); 2].map(|()| Identity::create().unwrap().public_key());
        let network = NetworkKey::generate().unwrap();
        let random = PeerId::new(*b"abcdefghijklmnop");
        let plain = id_of(&alice, None, random);
        assert_eq!(plain.as_bytes()[..8], bound_to(&alice));
        assert_eq!(plain.as_bytes()[8..], *b"ijklmnop");
        assert!(!is_marked(&plain, &alice, &network));
        let member = id_of(&alice, Some(&network), random);
        assert_eq!(member.as_bytes()[..12], plain.as_bytes()[..12]);
        assert!(is_marked(&member, &alice, &network));
        assert_eq!(id_of(&alice, Some(&network), member), member, "it lasts");
        // Of another key, of another network, and with any bit changed it is none.
        assert!(!is_marked(&member, &bob, &network));
        assert!(!is_marked(&member, &alice, &NetworkKey::generate().unwrap()));
        for bit in 0..128 {
            let mut id = *member.as_bytes();
            id[bit / 8] ^= 1 << (bit % 8);
            assert!(!is_marked(&PeerId::new(id), &alice, &network), "{bit}");
        }
    }

    #[test]
    fn the_key_that_the_c_library_would_not_hear_is_taken_from_a_file() {
        let pair = std::iter::repeat_with(|| KeyPair::generate().unwrap());
        let deaf = pair.take(10_000).find(|pair| pair.public().as_bytes()[0] == 0).unwrap();
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("key");
        Identity(deaf.clone()).save(&path).unwrap();
        let loaded = Identity::load(&path).unwrap();
        assert_eq!(loaded.public_key(), PublicKey::of_curve(deaf.public()));
    }
}
