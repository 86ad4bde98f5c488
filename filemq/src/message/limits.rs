//! Limits of what a message may hold.

/// The most bytes of content in one message that this implementation sends: a million, as in C
/// FileMQ.
pub const CHUNK: usize = 1_000_000;

/// The most bytes of a whole message: 16 MiB. Deployed servers send a million bytes of content.
pub const MAX_MESSAGE: usize = 16 * 1024 * 1024;

/// The most bytes of a path or filename.
pub const MAX_PATH: usize = 4096;

/// The most entries of a dictionary.
pub const MAX_ENTRIES: usize = 65_536;

/// The most bytes of a name in a dictionary, and of a reason: what one byte can count.
pub const MAX_STRING: usize = 255;

/// The most bytes of a value in a dictionary.
pub const MAX_VALUE: usize = 8192;
