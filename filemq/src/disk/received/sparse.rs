//! Content with runs of zeros that take no space.

use std::io;
use std::ops::Range;

use crate::disk::DiskFile;

/// Runs of zeros begin and end at multiples of this, and are at least as long.
const BLOCK: usize = 64 << 10;

static ZEROS: [u8; BLOCK] = [0; BLOCK];

/// Where the next write to a file that only grows would go. Long runs of zeros are not written: the
/// file system makes holes of what is left out, where it can.
#[derive(Debug, Default)]
pub(super) struct SparseEnd {
    /// Where the file's own position is. Beyond it there is nothing.
    written: u64,
}

impl SparseEnd {
    /// Returns the end of a file of which this number of bytes was written.
    pub(super) const fn at(written: u64) -> Self {
        Self { written }
    }

    /// Writes `bytes` at `offset`, at or after the end of what was written.
    pub(super) fn write(&mut self, file: &DiskFile, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut is_hole = self.written < offset;
        // What remains to be written, before `from`.
        let (mut data, mut from) = (0, 0);
        while from < bytes.len() {
            let next = (offset + from as u64 + 1).next_multiple_of(BLOCK as u64) - offset;
            let upto = usize::try_from(next).unwrap_or(usize::MAX).min(bytes.len());
            let block = bytes.get(from..upto).unwrap_or_default();
            // A part of a block goes on with a hole, and begins none.
            is_hole = (is_hole || block.len() == BLOCK) && ZEROS.starts_with(block);
            if is_hole {
                self.write_data(file, offset, bytes, data..from)?;
                data = upto;
            }
            from = upto;
        }
        self.write_data(file, offset, bytes, data..from)
    }

    fn write_data(
        &mut self,
        file: &DiskFile,
        offset: u64,
        bytes: &[u8],
        range: Range<usize>,
    ) -> io::Result<()> {
        let at = offset + range.start as u64;
        let data = bytes.get(range).unwrap_or_default();
        if data.is_empty() {
            return Ok(());
        }
        if self.written != at {
            file.seek(at)?;
        }
        file.write_all(data)?;
        self.written = at + data.len() as u64;
        Ok(())
    }

    /// Cuts a file to this length, or extends it with zeros, and writes on from there.
    pub(super) fn cut(&mut self, file: &DiskFile, length: u64) -> io::Result<()> {
        file.set_len(length)?;
        file.seek(length)?;
        self.written = length;
        Ok(())
    }

    /// Gives a file its length, if it ends with zeros that were not written.
    pub(super) fn finish(&mut self, file: &DiskFile, length: u64) -> io::Result<()> {
        if self.written < length { self.cut(file, length) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{BLOCK, SparseEnd};
    use crate::disk::{Directory, NativeFileSystem, OpenMode};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn whatever_the_pieces_are_the_content_is_the_same(
            runs in prop::collection::vec((any::<bool>(), 1..4 * BLOCK), 1..8),
            piece in 1..5 * BLOCK,
            cut in any::<prop::sample::Index>(),
        ) {
            let run = |(is_zero, len): &(bool, usize)| vec![u8::from(!is_zero); *len];
            let content: Vec<u8> = runs.iter().flat_map(run).collect();
            let place = tempfile::tempdir().unwrap();
            let directory = Directory::open(&NativeFileSystem::shared(), place.path()).unwrap();
            let file = directory.open_file("file", OpenMode::ModifyOrCreate).unwrap();
            let mut end = SparseEnd::default();
            // As after a write that has failed: something is there that does not count.
            let cut = cut.index(content.len());
            let (before, after) = content.split_at(cut);
            let mut offset = 0;
            for part in [before, after] {
                for bytes in part.chunks(piece) {
                    end.write(&file, offset, bytes).unwrap();
                    offset += bytes.len() as u64;
                }
                if offset == cut as u64 {
                    file.seek(cut as u64).unwrap();
                    file.write_all(b"torn").unwrap();
                    end.cut(&file, cut as u64).unwrap();
                }
            }
            end.finish(&file, offset).unwrap();
            prop_assert!(std::fs::read(place.path().join("file")).unwrap() == content);
        }
    }
}
