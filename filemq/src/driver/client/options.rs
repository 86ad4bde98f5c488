//! The options of a client.

use bytes::Bytes;

use crate::disk::ReceivedLimits;
use crate::session::ClientConfig;

/// The options of a client. Construct it with `..ClientOptions::default()`: fields may be added.
#[derive(Clone, Debug, Default)]
pub struct ClientOptions {
    /// How sessions behave.
    pub session: ClientConfig,
    /// What the received folder may hold, of all servers together and of each.
    pub received: ReceivedLimits,
    /// Our identity, for servers that tell clients apart; at most 255 bytes. Default: none.
    pub identity: Bytes,
    /// Whether the files of each server have a folder of their own in the received folder, named by
    /// its origin or by [`Client::set_folder_names`](crate::Client::set_folder_names). Otherwise the files
    /// of all servers are together, and of those with the same name the last one stays. Default: `false`.
    pub folders: bool,
}
