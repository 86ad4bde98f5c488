//! Sessions on sockets and disks, with tokio.

mod client;
mod progress;
mod server;
mod wait;

pub use client::{
    Client, ClientEvent, ClientEvents, ClientOptions, OfferError, OfferId, OfferInfo, OfferState,
};
pub use progress::Progress;
pub use server::{ClientInfo, Server, ServerEvent, ServerEvents, ServerOptions};
