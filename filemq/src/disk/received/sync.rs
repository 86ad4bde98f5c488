//! Syncs files to the disk.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use zmtp::sync::Mutex;

use crate::disk::{Directory, DiskFile};

/// A disk that takes longer than this for one file gets many at the same time.
const SLOW_SYNC: Duration = Duration::from_micros(200);

/// How many files are synced at the same time.
const MAX_THREADS: usize = 16;

/// Syncs all files, and returns the result for each. A journalling file system commits together
/// what many threads wait for, and so takes little longer for all than for one; one after the
/// other, each file waits for a commit of its own.
pub(super) fn files(files: &[&DiskFile]) -> Vec<io::Result<()>> {
    let mut done = Vec::with_capacity(files.len());
    let mut slow = false;
    while !slow && done.len() < files.len() {
        let start = Instant::now();
        done.push(files[done.len()].sync());
        slow = start.elapsed() > SLOW_SYNC;
    }
    done.extend(together(&files[done.len()..]));
    done
}

fn together(files: &[&DiskFile]) -> Vec<io::Result<()>> {
    let next = AtomicUsize::new(0);
    let results: Vec<_> = files.iter().map(|_| Mutex::new(None)).collect();
    let work = || {
        while let Some((at, file)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            files.get(at).map(|file| (at, file))
        } {
            let result = file.sync();
            *results[at].lock() = Some(result);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..files.len().min(MAX_THREADS) {
            // If no more threads can be started, those that there are do all the work.
            if std::thread::Builder::new().spawn_scoped(scope, work).is_err() {
                break;
            }
        }
        work();
    });
    let result = |cell: &Mutex<Option<_>>| cell.lock().take();
    let untried = || Err(io::Error::other("the file was not synced"));
    results.iter().map(|cell| result(cell).unwrap_or_else(untried)).collect()
}

/// Syncs a directory, so that names that were put into it survive a crash of the machine.
pub(super) fn directory(directory: &Directory) {
    if let Err(error) = directory.sync() {
        tracing::warn!(%error, "a directory cannot be synced");
    }
}

#[cfg(test)]
mod tests {
    use super::{files, together};
    use crate::disk::{Directory, DiskFile, NativeFileSystem, OpenMode};

    #[test]
    fn directories_are_synced() {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(place.path().join("a/b")).unwrap();
        let root = Directory::open(&NativeFileSystem::shared(), place.path()).unwrap();
        root.sync().unwrap();
        root.open_dir("a").unwrap().sync().unwrap();
    }

    #[test]
    fn each_file_gets_its_own_result() {
        let place = tempfile::tempdir().unwrap();
        let directory = Directory::open(&NativeFileSystem::shared(), place.path()).unwrap();
        let good = directory.open_file("good", OpenMode::ModifyOrCreate).unwrap();
        let list = vec![&good; 50];
        for results in [files(&list), together(&list)] {
            assert_eq!(results.len(), 50);
            assert!(results.iter().all(Result::is_ok));
        }
        assert!(files(&[]).is_empty() && together(&[]).is_empty());
        // What cannot be synced fails, and only that.
        #[cfg(target_os = "linux")]
        {
            let null = std::path::Path::new("/dev/null");
            let bad = DiskFile::open(&NativeFileSystem::shared(), null).unwrap();
            for results in [files(&[&good, &bad, &good]), together(&[&good, &bad, &good])] {
                assert_eq!(
                    results.iter().map(Result::is_ok).collect::<Vec<_>>(),
                    [true, false, true]
                );
            }
        }
    }
}
