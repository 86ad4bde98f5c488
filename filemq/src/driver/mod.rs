//! Sessions on sockets and disks, with tokio.

mod client;
mod folder;
mod link;
mod progress;
mod server;
mod stock;
mod visit;
mod wait;

pub use client::{Client, ClientEvents, ClientOptions, Received};
pub use progress::Progress;
pub use server::{ClientInfo, Served, Server, ServerEvents, ServerOptions};
