//! Puts files on the disk for good.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use cap_std::fs::Dir;

/// A disk that takes longer for one file is given many at the same time.
const SLOW: Duration = Duration::from_micros(200);

/// So many at the same time.
const THREADS: usize = 16;

/// All of them. A journalling file system commits what many threads wait for together, and so takes
/// little longer for all than for one; one after the other, each waits for a commit of its own.
pub(super) fn files(files: &[&File]) -> Vec<io::Result<()>> {
    let mut done = Vec::with_capacity(files.len());
    let mut slow = false;
    while !slow && done.len() < files.len() {
        let start = Instant::now();
        done.push(files[done.len()].sync_all());
        slow = start.elapsed() > SLOW;
    }
    done.extend(together(&files[done.len()..]));
    done
}

fn together(files: &[&File]) -> Vec<io::Result<()>> {
    let next = AtomicUsize::new(0);
    let results: Vec<_> = files.iter().map(|_| Mutex::new(None)).collect();
    let work = || {
        while let Some((at, file)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            files.get(at).map(|file| (at, file))
        } {
            let result = file.sync_all();
            *results[at].lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..files.len().min(THREADS) {
            // Where there can be no more threads, those that there are do it.
            if std::thread::Builder::new().spawn_scoped(scope, work).is_err() {
                break;
            }
        }
        work();
    });
    let result = |cell: Mutex<Option<_>>| {
        let result = cell.into_inner().unwrap_or_else(PoisonError::into_inner);
        result.unwrap_or_else(|| Err(io::Error::other("it was not tried")))
    };
    results.into_iter().map(result).collect()
}

/// Names that were put into a directory stay there, whatever happens.
pub(super) fn directory(directory: &Dir) {
    if cfg!(unix)
        && let Err(error) = directory.try_clone().and_then(|dir| dir.into_std_file().sync_all())
    {
        tracing::warn!(%error, "cannot put a directory on the disk for good");
    }
}

#[cfg(test)]
mod tests {
    use super::{files, together};

    #[test]
    fn each_file_gets_its_own_result() {
        let good = tempfile::tempfile().unwrap();
        let list = vec![&good; 50];
        for results in [files(&list), together(&list)] {
            assert_eq!(results.len(), 50);
            assert!(results.iter().all(Result::is_ok));
        }
        assert!(files(&[]).is_empty() && together(&[]).is_empty());
        // What cannot be synchronised fails, and only that.
        #[cfg(unix)]
        {
            let (_, pipe) = std::io::pipe().unwrap();
            let bad = std::fs::File::from(std::os::fd::OwnedFd::from(pipe));
            for results in [files(&[&good, &bad, &good]), together(&[&good, &bad, &good])] {
                assert_eq!(
                    results.iter().map(Result::is_ok).collect::<Vec<_>>(),
                    [true, false, true]
                );
            }
        }
    }
}
