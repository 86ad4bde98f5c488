//! Runs of zeros that take no space.

use super::*;

/// The bytes that a file takes on the disk.
#[cfg(unix)]
fn taken(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(path).unwrap().blocks() * 512
}

#[cfg(unix)]
#[test]
fn a_sparse_file_stays_one_also_if_it_was_interrupted() {
    const SIZE: usize = 16 << 20;
    for (filled, interrupted) in
        [(vec![], 5_000_000), (vec![SIZE / 2], SIZE / 2), (vec![0, SIZE - 1], 5_000_000)]
    {
        let mut bytes = vec![0; SIZE];
        filled.iter().for_each(|at| bytes[*at] = 1);
        let place = Place::new();
        let mut writer = place.writer();
        let whole = whole("/sparse", &bytes, Some(info(&bytes)));
        execute(&mut writer, whole.iter().take(1 + interrupted / 1_000_000).cloned());
        drop(writer);
        let mut writer = place.writer();
        let (_, resume) = writer.inventory().partial.unwrap();
        let from = usize::try_from(resume.offset).unwrap();
        assert_eq!(from, interrupted / 1_000_000 * 1_000_000);
        assert_eq!(resume.prefix, blake3(&bytes[..from]), "zeros at the end are there");
        let rest = bytes[from..].chunks(700_000).enumerate();
        let mut writes = vec![begin("/sparse", from, Some(info(&bytes)))];
        writes.extend(rest.map(|(i, chunk)| data(from + i * 700_000, chunk)));
        writes.push(Write::End { size: SIZE as u64 });
        assert_eq!(execute(&mut writer, writes), [delivered(&place, "/sparse", SIZE)]);
        assert!(place.read("sparse").unwrap() == bytes);
        let taken = taken(&place.path().join("sparse"));
        assert!(taken <= 64 * 1024 * (filled.len() as u64 + 1), "{taken} bytes for {filled:?}");
        assert_eq!(complete(&[("/sparse", blake3(&bytes))]), writer.inventory());
    }
}
