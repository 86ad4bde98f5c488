//! Takes a file out of the received folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Moves a file to a place where nothing is, also on another disk. Under its name it is whole, and
/// nothing is overwritten.
///
/// # Errors
/// There is something, or the file cannot be written there; then it stays where it was.
pub(crate) fn move_out(from: &Path, to: &Path) -> io::Result<()> {
    if fs::hard_link(from, to).is_err() {
        copy_out(from, to)?;
    }
    fs::remove_file(from)
}

/// Copies a file to a place where nothing is, by way of a hidden name.
fn copy_out(from: &Path, to: &Path) -> io::Result<()> {
    check_free(to)?;
    let beside = beside(to)?;
    // What a process has left that was killed while it copied.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let copied = copy(from, &beside).and_then(|()| place(&beside, to));
    if copied.is_err() {
        let _ = fs::remove_file(&beside);
    }
    copied
}

/// Returns an error if there is something, or no directory to put a file into.
pub(crate) fn check_free(to: &Path) -> io::Result<()> {
    match fs::symlink_metadata(to) {
        Ok(_) => return Err(io::ErrorKind::AlreadyExists.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let above = to.parent().ok_or(io::ErrorKind::InvalidFilename)?;
    if fs::metadata(above)?.is_dir() { Ok(()) } else { Err(io::ErrorKind::NotADirectory.into()) }
}

/// Returns the hidden name under which a copy is made.
fn beside(to: &Path) -> io::Result<PathBuf> {
    let name = to.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(".filemq");
    Ok(to.with_file_name(hidden))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = fs::File::open(from)?;
    let mut copy = private().write(true).create_new(true).open(to)?;
    io::copy(&mut source, &mut copy)?;
    copy.set_permissions(source.metadata()?.permissions())?;
    copy.sync_all()
}

/// Returns how a file is made that only its user can read, until it has the mode that it is to have.
fn private() -> fs::OpenOptions {
    #[cfg_attr(not(unix), allow(unused_mut, reason = "modes are those of Unix"))]
    let mut options = fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Gives a copy its name. Where there are no links it may replace what another program has put there
/// just now.
fn place(copy: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(copy, to) {
        Ok(()) => fs::remove_file(copy),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        Err(_) => {
            check_free(to)?;
            fs::rename(copy, to)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::ErrorKind;

    use super::move_out;

    #[test]
    fn a_file_is_moved_and_overwrites_nothing() {
        let place = tempfile::tempdir().unwrap();
        let [from, to, other] = ["from", "to", "other"].map(|name| place.path().join(name));
        fs::write(&from, "content").unwrap();
        fs::write(&other, "mine").unwrap();
        assert_eq!(move_out(&from, &other).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&other).unwrap(), "mine");
        let nowhere = place.path().join("no/where");
        assert_eq!(move_out(&from, &nowhere).unwrap_err().kind(), ErrorKind::NotFound);
        move_out(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "content");
        assert!(!from.exists());
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2, "nothing is left");
    }

    /// As if the two were on different disks.
    #[test]
    fn a_copy_is_whole_under_its_name() {
        let place = tempfile::tempdir().unwrap();
        let [from, copy, to] = ["from", ".to.filemq", "to"].map(|name| place.path().join(name));
        fs::write(&from, "content").unwrap();
        // Of a process that was killed.
        fs::write(&copy, "cont").unwrap();
        super::copy_out(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "content");
        assert!(!copy.exists());
        super::copy(&from, &copy).unwrap();
        assert_eq!(super::place(&copy, &to).unwrap_err().kind(), ErrorKind::AlreadyExists);
    }

    #[cfg(unix)]
    #[test]
    fn a_copy_is_readable_for_others_only_when_it_is_whole() {
        use std::os::unix::fs::PermissionsExt as _;
        let place = tempfile::tempdir().unwrap();
        let [from, to] = ["from", "to"].map(|name| place.path().join(name));
        let mode =
            |file: &std::path::Path| fs::metadata(file).unwrap().permissions().mode() & 0o777;
        super::private().write(true).create_new(true).open(&from).unwrap();
        assert_eq!(mode(&from), 0o600);
        fs::set_permissions(&from, fs::Permissions::from_mode(0o640)).unwrap();
        super::copy(&from, &to).unwrap();
        assert_eq!(mode(&to), 0o640);
    }
}
