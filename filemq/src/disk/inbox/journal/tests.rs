use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::{DEAD, HEADER, Journal, Record, replay};
use crate::VirtualPath;
use crate::digest::{Algorithm, Hasher};
use crate::disk::inbox::index::{Delivered, Live, Pause};

fn dir(path: &std::path::Path) -> Dir {
    Dir::open_ambient_dir(path, ambient_authority()).unwrap()
}

fn name(text: &str) -> VirtualPath {
    VirtualPath::new(text).unwrap()
}

fn delivered(size: u64) -> Delivered {
    Delivered {
        origin: Arc::from("origin\nof lines"),
        size,
        modified: UNIX_EPOCH - Duration::new(5, 7),
        inode: 42,
        digest: Hasher::new(Algorithm::Sha1).digest(),
    }
}

fn pause() -> Pause {
    let whole = Hasher::new(Algorithm::Blake3).digest();
    Pause { name: name("/p"), whole, size: 9, partial: "hash".to_owned() }
}

fn describe(live: &Live) -> String {
    format!("{:?} {:?} {:?}", live.files, live.made, live.paused)
}

#[test]
fn what_was_written_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let (mut journal, live) = Journal::open(dir(directory.path())).unwrap();
    assert_eq!(live.len(), 0);
    let (a, b, ours) = (name("/a\nb"), name("/gone"), delivered(3));
    journal
        .append([
            Record::Delivered(&a, &ours),
            Record::Delivered(&b, &ours),
            Record::Forgotten(&b),
            Record::Made("/x"),
            Record::Made("/y"),
            Record::Unmade("/y"),
            Record::Paused("o", &pause()),
            Record::Paused("p", &pause()),
            Record::Unpaused("p"),
        ])
        .unwrap();
    drop(journal);
    let (mut journal, live) = Journal::open(dir(directory.path())).unwrap();
    let mut expected = Live::default();
    expected.files.insert(a, ours);
    expected.made.insert("/x".to_owned());
    expected.paused.insert(Arc::from("o"), pause());
    assert_eq!(describe(&live), describe(&expected));
    journal.rewrite(&live).unwrap();
    drop(journal);
    let (_, again) = Journal::open(dir(directory.path())).unwrap();
    assert_eq!(describe(&again), describe(&expected));
}

/// Whatever a torn or changed journal is, it is read as a beginning of what was written, and goes on.
#[test]
fn a_torn_journal_ends_with_its_last_whole_record() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("journal");
    let (mut journal, _) = Journal::open(dir(directory.path())).unwrap();
    for i in 0..4 {
        journal.append([Record::Delivered(&name(&format!("/{i}")), &delivered(i))]).unwrap();
    }
    drop(journal);
    let whole = std::fs::read(&file).unwrap();
    let record = (whole.len() - HEADER.len()) / 4;
    for end in 0..whole.len() {
        let intact = end.saturating_sub(HEADER.len()) / record;
        let mut live = Live::default();
        replay(&whole[..end], &mut live);
        assert_eq!(live.files.len(), intact, "{end}");
        if end % 29 != 0 {
            continue;
        }
        std::fs::write(&file, &whole[..end]).unwrap();
        let (mut journal, live) = Journal::open(dir(directory.path())).unwrap();
        assert_eq!(live.files.len(), intact, "{end}");
        journal.append([Record::Delivered(&name("/more"), &delivered(9))]).unwrap();
        drop(journal);
        let (_, live) = Journal::open(dir(directory.path())).unwrap();
        assert_eq!(live.files.len(), intact + 1, "{end}");
    }
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0x55;
        let mut live = Live::default();
        replay(&changed, &mut live);
        assert_eq!(live.files.len(), at.saturating_sub(HEADER.len()) / record, "{at}");
        for (i, (name, file)) in live.files.iter().enumerate() {
            assert_eq!((name.as_str(), file.size), (format!("/{i}").as_str(), i as u64));
            assert_eq!(file.inode, 42);
        }
    }
}

#[test]
fn what_is_out_of_date_goes() {
    let directory = tempfile::tempdir().unwrap();
    let (mut journal, live) = Journal::open(dir(directory.path())).unwrap();
    let a = name("/a");
    for _ in 0..DEAD + 3 {
        journal.append([Record::Delivered(&a, &delivered(1))]).unwrap();
    }
    assert!(journal.is_stale(live.len()));
    let size = || std::fs::metadata(directory.path().join("journal")).unwrap().len();
    let before = size();
    drop(journal);
    let (journal, live) = Journal::open(dir(directory.path())).unwrap();
    assert_eq!(live.files.len(), 1);
    assert!(!journal.is_stale(live.len()) && size() * 1000 < before);
}
