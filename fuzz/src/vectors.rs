//! Bytes captured from real nodes, as inputs to start from.

use testkit::vectors;

/// Returns the bytes of the entries of one kind whose name starts with `prefix`; of a ZRE message,
/// the header.
pub(crate) fn captured(kind: &str, prefix: &str) -> Vec<Vec<u8>> {
    vectors::zre(kind, prefix).iter().map(vectors::bytes).collect()
}
