//! Sessions on sockets and disks, with tokio.

mod call;
mod client;
mod progress;
mod server;
mod wait;
mod way;

pub use call::Call;
pub use client::{
    Client, ClientEvent, ClientEvents, ClientOptions, OfferError, OfferId, OfferInfo, OfferState,
};
pub use progress::Progress;
pub use server::{ClientInfo, Guest, Server, ServerEvent, ServerEvents, ServerOptions};
pub use way::Way;
