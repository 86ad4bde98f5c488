//! What a received folder may hold.

/// What a received folder may hold. Construct it with
/// `..ReceivedLimits::default()`: fields may be added.
#[derive(Clone, Debug)]
pub struct ReceivedLimits {
    /// The most bytes of all servers together, of everything delivered and everything on its way. While a file is being
    /// replaced, the old one does not count. Default: 16 GiB.
    pub bytes: u64,
    /// The most files of all servers together. Default: 1,000,000.
    pub files: usize,
    /// The most bytes of one server. Default: no limit but that of all.
    pub bytes_per_server: u64,
    /// The most files of one server. Default: no limit but that of all.
    pub files_per_server: usize,
    /// Whether a file is synced to the disk before it appears under its name, so that it survives a
    /// crash of the machine. Default: `true`.
    pub durable: bool,
    /// Whether hidden files are taken, whose names begin with a dot; others are not sent. Programs may
    /// obey some of them, such as `.git/config`. Default: `false`.
    pub hidden: bool,
}

impl Default for ReceivedLimits {
    fn default() -> Self {
        Self {
            bytes: 16 << 30,
            files: 1_000_000,
            bytes_per_server: u64::MAX,
            files_per_server: usize::MAX,
            durable: true,
            hidden: false,
        }
    }
}
