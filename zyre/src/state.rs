//! What of a node outlives its process: its id and name.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;
use uuid::Uuid;
use zmtp::sync::Mutex;
use zre_proto::PeerId;

use crate::private_file;

/// The first line of the file.
const HEADER: &str = "zyre 1";

/// Names in the directory.
const FILE: &str = "identity";
const FRESH: &str = "identity.new";
const LOCK: &str = "lock";

/// The most bytes of the file.
const MAX_FILE: u64 = 4096;

/// The most bytes of a name.
const MAX_NAME: usize = 255;

/// The most nodes of one program that keep a state at the same time.
const MAX_INSTANCES: usize = 100;

/// What of a node outlives its process: its id, and its name if it was given one.
///
/// A node with a state, see [`Builder::state`](crate::Builder::state), is the same one after a restart:
/// peers that have received its files know them again, and interrupted transfers go on. The price: it
/// can be recognised, by everybody on every network that it is started in. So a program that has no use
/// for it should keep none.
///
/// The state is a directory:
///
/// ```text
/// DIRECTORY/lock        locked as long as the state, or a node with it, lives
/// DIRECTORY/identity    "zyre 1", and the lines "id" and "name"; only its user can read it
/// ```
///
/// It is written as a whole or not at all. A file that is damaged is an error, and never replaced.
/// Clones are the same state. All functions may wait for the disk.
///
/// ```no_run
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// let state = zyre::State::open_instance(zyre::State::directory_of("my-program")?, "sender")?;
/// let (node, events) = zyre::Node::builder().state(&state).start().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct State(Arc<OpenState>);

#[derive(Debug)]
struct OpenState {
    directory: PathBuf,
    id: PeerId,
    name: Mutex<Option<String>>,
    /// Locked as long as it is open.
    _lock: File,
}

/// A state cannot be opened or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StateError {
    /// The environment names no directory for it.
    #[error("there is no home directory to keep the state in; name a directory for it")]
    NoHome,
    /// Another process, or another node of this one, uses it.
    #[error("the state in {} is in use by another node; choose another directory", .path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// All states of a program are in use.
    #[error("all {MAX_INSTANCES} states in {} are in use; choose another directory", .path.display())]
    AllInUse {
        /// The directory of all of them.
        path: PathBuf,
    },
    /// It cannot be read or written.
    #[error(
        "the state in {} cannot be used: {source}; choose a directory that can be created and written",
        .path.display()
    )]
    Io {
        /// The directory.
        path: PathBuf,
        /// Why it cannot be used.
        source: io::Error,
    },
    /// The file is not one that this library has written.
    #[error(
        "{} is damaged, or of a later version: {reason}; restore it, or remove it to begin with a new id",
        .path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A name is empty, has more than 255 bytes, or control characters.
    #[error("a name has 1 to {MAX_NAME} bytes and no control characters")]
    Name,
}

impl State {
    /// Opens the state in this directory, for this process alone. If there is none it is created, with
    /// a new id.
    ///
    /// # Errors
    /// [`InUse`](StateError::InUse), [`Damaged`](StateError::Damaged), or [`Io`](StateError::Io).
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, StateError> {
        let directory = directory.into();
        let failed = |source| StateError::Io { path: directory.clone(), source };
        create(&directory).map_err(failed)?;
        let lock = private_file::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(directory.join(LOCK));
        let lock = lock.map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(StateError::InUse { path: directory }),
            Err(fs::TryLockError::Error(error)) => return Err(failed(error)),
        }
        let (id, name) = match read(&directory.join(FILE)) {
            Ok(text) => parse(&text).map_err(|reason| {
                let path = directory.join(FILE);
                StateError::Damaged { path, reason }
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let id = PeerId::from(Uuid::new_v4());
                write(&directory, id, None).map_err(failed)?;
                (id, None)
            }
            Err(error) => return Err(failed(error)),
        };
        Ok(Self(Arc::new(OpenState { directory, id, name: Mutex::new(name), _lock: lock })))
    }

    /// Opens the first state of a program that nothing uses: `DIRECTORY/PROGRAM-1`, `PROGRAM-2` and so
    /// on, up to 100. So each of several processes of a program has an id of its own, and one that is
    /// started alone always has the same.
    ///
    /// # Errors
    /// [`AllInUse`](StateError::AllInUse), or as for [`open`](Self::open).
    pub fn open_instance(directory: impl AsRef<Path>, program: &str) -> Result<Self, StateError> {
        let directory = directory.as_ref();
        for instance in 1..=MAX_INSTANCES {
            match Self::open(directory.join(format!("{program}-{instance}"))) {
                Err(StateError::InUse { .. }) => {}
                opened => return opened,
            }
        }
        Err(StateError::AllInUse { path: directory.to_owned() })
    }

    /// Returns the directory in which an application keeps its states on this system:
    /// `$XDG_STATE_HOME/APPLICATION` or `~/.local/state/APPLICATION`, on macOS
    /// `~/Library/Application Support/APPLICATION`, on Windows `%LOCALAPPDATA%\APPLICATION`.
    ///
    /// # Errors
    /// [`NoHome`](StateError::NoHome).
    pub fn directory_of(application: &str) -> Result<PathBuf, StateError> {
        let home = || std::env::home_dir().filter(|home| home.is_absolute());
        let named =
            |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let parent = if cfg!(windows) {
            named("LOCALAPPDATA").or_else(|| Some(home()?.join("AppData").join("Local")))
        } else if cfg!(target_vendor = "apple") {
            home().map(|home| home.join("Library/Application Support"))
        } else {
            named("XDG_STATE_HOME").or_else(|| Some(home()?.join(".local/state")))
        };
        parent.map(|parent| parent.join(application)).ok_or(StateError::NoHome)
    }

    /// Returns the id of the node.
    pub fn id(&self) -> PeerId {
        self.0.id
    }

    /// Returns the name that the node was given, if any.
    pub fn name(&self) -> Option<String> {
        self.0.name.lock().clone()
    }

    /// Keeps a name for the next nodes with this state.
    ///
    /// # Errors
    /// [`Name`](StateError::Name), or [`Io`](StateError::Io); then the earlier name stays.
    pub fn set_name(&self, name: &str) -> Result<(), StateError> {
        if name.is_empty() || name.len() > MAX_NAME || name.contains(char::is_control) {
            return Err(StateError::Name);
        }
        let mut kept = self.0.name.lock();
        if kept.as_deref() != Some(name) {
            write(&self.0.directory, self.0.id, Some(name))
                .map_err(|source| StateError::Io { path: self.0.directory.clone(), source })?;
            *kept = Some(name.to_owned());
        }
        Ok(())
    }

    /// Returns the directory of the state.
    pub fn directory(&self) -> &Path {
        &self.0.directory
    }
}

/// Creates the directory if it is not there; others cannot look into it then.
fn create(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut text)?;
    Ok(text)
}

/// Writes the file beside and renames it, so that there is always a whole one.
fn write(directory: &Path, id: PeerId, name: Option<&str>) -> io::Result<()> {
    let fresh = directory.join(FRESH);
    // One that was left behind may have other permissions.
    private_file::remove_leftover(&fresh)?;
    let name = name.map(|name| format!("name {name}\n")).unwrap_or_default();
    private_file::write_new(&fresh, &format!("{HEADER}\nid {id}\n{name}"))?;
    fs::rename(&fresh, directory.join(FILE))?;
    private_file::sync_directory(directory)
}

/// Returns what the file says, or what is wrong with it.
fn parse(text: &[u8]) -> Result<(PeerId, Option<String>), &'static str> {
    if text.len() as u64 > MAX_FILE {
        return Err("it is too long");
    }
    let text = str::from_utf8(text).map_err(|_| "it is not text")?;
    let text = text.strip_suffix('\n').ok_or("its end is missing")?;
    let mut lines = text.split('\n');
    if lines.next() != Some(HEADER) {
        return Err("its first line is another");
    }
    let (mut id, mut name) = (None, None);
    for line in lines {
        match line.split_once(' ') {
            Some(("id", value)) if id.is_none() => {
                id = Some(value.parse().map_err(|_| "its id is no id")?);
            }
            Some(("name", value)) if name.is_none() => name = Some(value.to_owned()),
            _ => return Err("it has an unknown line"),
        }
    }
    Ok((id.ok_or("it has no id")?, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_and_a_name_last() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("deep/er");
        let state = State::open(&directory).unwrap();
        let id = state.id();
        assert_eq!((state.name(), state.directory()), (None, &*directory));
        state.set_name("Zoë B.").unwrap();
        for wrong in ["", "a\nid x", "a\u{1b}", &"x".repeat(256)] {
            assert!(matches!(state.set_name(wrong), Err(StateError::Name)), "{wrong:?}");
        }
        let clone = state.clone();
        drop(state);
        let error = State::open(&directory).unwrap_err();
        assert!(matches!(&error, StateError::InUse { path } if *path == directory), "{error}");
        drop(clone);
        let state = State::open(&directory).unwrap();
        assert_eq!((state.id(), state.name().as_deref()), (id, Some("Zoë B.")));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&directory), mode(&directory.join(FILE))), (0o700, 0o600));
        }
    }

    #[test]
    fn each_instance_has_the_first_state_that_is_free() {
        let home = tempfile::tempdir().unwrap();
        let open = || State::open_instance(home.path(), "share").unwrap();
        let (first, second) = (open(), open());
        assert_eq!(first.directory(), home.path().join("share-1"));
        assert_eq!(second.directory(), home.path().join("share-2"));
        assert_ne!(first.id(), second.id());
        let id = first.id();
        drop(first);
        assert_eq!(open().id(), id);
    }

    /// Never is a new id taken in place of one that cannot be read.
    #[test]
    fn a_damaged_file_is_an_error_and_stays() {
        let home = tempfile::tempdir().unwrap();
        let whole = "zyre 1\nid 848be7f3925b4c679a9a47425f2eb929\nname a b\n";
        let file = home.path().join(FILE);
        fs::write(&file, whole).unwrap();
        let state = State::open(home.path()).unwrap();
        assert_eq!(state.name().as_deref(), Some("a b"));
        drop(state);
        let torn = (0..whole.len()).map(|end| whole.as_bytes()[..end].to_vec());
        let wrong = [
            "zyre 2\nid 848be7f3925b4c679a9a47425f2eb929\n",
            "zyre 1\nname x\n",
            "zyre 1\nid 848be7f3925b4c679a9a47425f2eb92\n",
            "zyre 1\nid 848be7f3925b4c679a9a47425f2eb929\nid 848be7f3925b4c679a9a47425f2eb929\n",
            "zyre 1\nid 848be7f3925b4c679a9a47425f2eb929\nsecret x\n",
            &format!("{whole}{}\n", "x".repeat(5000)),
        ];
        let wrong = wrong.into_iter().map(|text| text.as_bytes().to_vec());
        for text in torn.chain(wrong).chain([vec![0xFF, b'\n']]) {
            // A name that was not given yet is no damage.
            if text.ends_with(b"929\n") && text.len() < whole.len() && !text.starts_with(b"zyre 2")
            {
                continue;
            }
            fs::write(&file, &text).unwrap();
            let error = State::open(home.path()).unwrap_err();
            assert!(matches!(error, StateError::Damaged { .. }), "{error}");
            assert!(error.to_string().contains("remove it to begin with a new id"), "{error}");
            assert_eq!(fs::read(&file).unwrap(), text);
        }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("file");
        fs::write(&file, "").unwrap();
        let error = State::open(file.join("state")).unwrap_err();
        assert!(matches!(error, StateError::Io { .. }), "{error}");
        assert!(error.to_string().contains("file/state"), "{error}");
        let error = State::open_instance(&file, "share").unwrap_err();
        assert!(matches!(error, StateError::Io { .. }), "{error}");
    }
}
