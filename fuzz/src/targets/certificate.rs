//! Files with the key pair of a node.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use zyre::{Identity, KeyFileError};

const PUBLIC: &str = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
const SECRET: &str = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6";

/// What is read is written as it was, and what is not is told without a secret.
pub fn target(data: &[u8]) {
    let home = home();
    let path = home.join("node.key");
    fs::write(&path, data).expect("a file in a folder of our own");
    make_private(&path);
    match Identity::load(&path) {
        Ok(identity) => {
            let text = std::str::from_utf8(data).expect("what is read is text");
            assert!(text.contains("curve") && text.contains("secret-key"));
            let again = home.join("again.key");
            identity.save(&again).expect("there is no such file");
            let read = Identity::load(&again).expect("what we write is read");
            fs::remove_file(&again).expect("it was there");
            assert_eq!(read.public_key(), identity.public_key());
        }
        Err(error) => {
            assert!(matches!(error, KeyFileError::Damaged { .. }), "{error:?}");
            let told = format!("{error} {error:?}");
            let words = String::from_utf8_lossy(data);
            let quoted = words.split(['"', '\'', ' ', '\n']).find(|word| {
                word.len() >= 40 && !path.to_string_lossy().contains(word) && told.contains(word)
            });
            assert_eq!(quoted, None, "nothing that may be a secret is quoted");
        }
    }
}

/// A folder for the files of this thread, which is removed with it.
fn home() -> PathBuf {
    thread_local! {
        static HOME: TempDir = TempDir::new().expect("a folder");
    }
    HOME.with(|home| home.path().to_owned())
}

#[cfg(unix)]
fn make_private(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("it is our own");
}

#[cfg(not(unix))]
fn make_private(_: &Path) {}

/// Certificates of the C library and of ours, and what is nearly one.
pub fn seeds() -> Vec<Vec<u8>> {
    let of =
        |metadata: &str, keys: &str| format!("#  comment\n\nmetadata\n{metadata}curve\n{keys}");
    let public = format!("    public-key = \"{PUBLIC}\"\n");
    let secret = format!("    secret-key = \"{SECRET}\"\n");
    [
        of("", &format!("{public}{secret}")),
        of("    name = \"alice\"\n    email = 'a # b'\n", &format!("{public}{secret}")),
        of("    name = alice # a comment\n", &format!("{secret}{public}\r\n")),
        of("", &secret),
        of("", &public),
        of("    name\n", &format!("{public}{public}    secret-key = '{PUBLIC}'\n")),
        of("    name \"x\n", "    secret-key = \"short\"\n"),
        format!("    secret-key = {SECRET}\n"),
        format!("curve\n    secret-key={SECRET}"),
        "curve\n    secret-key = \"unfinished\n".to_owned(),
    ]
    .map(String::into_bytes)
    .into()
}
