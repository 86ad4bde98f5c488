//! What a client subscribes to.

use std::collections::VecDeque;

use bytes::Bytes;

use super::config::ClientConfig;
use super::inventory::Inventory;
use crate::VirtualPath;
use crate::message::{Dictionary, Icanhaz, MAX_STRING, Message};
use crate::session::extensions;

/// The most entries and bytes in the cache of one message. More goes into a further message for the
/// same path, which other implementations take for a subscription that they have already.
const MAX_ENTRIES: usize = 50_000;
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Returns the paths without those that another one covers.
pub(super) fn distinct(paths: &[VirtualPath]) -> Vec<VirtualPath> {
    let mut distinct: Vec<VirtualPath> = Vec::new();
    for path in paths {
        if !distinct.iter().any(|have| have.covers(path)) {
            distinct.retain(|have| !path.covers(have));
            distinct.push(path.clone());
        }
    }
    distinct
}

/// Returns the ICANHAZ messages for all paths, with what the client has already; the first shows the
/// ticket.
pub(super) fn requests(
    paths: &[VirtualPath],
    inventory: &Inventory,
    config: &ClientConfig,
) -> VecDeque<Bytes> {
    let mut ticket = config.ticket;
    let mut requests = VecDeque::new();
    for path in paths {
        let mut caches = caches(path, inventory).into_iter();
        let mut options = options(config.hidden);
        if let Some(ticket) = ticket.take() {
            options.push(extensions::TICKET, ticket.to_hex());
        }
        if let Some((name, resume)) = &inventory.partial
            && path.covers(name)
        {
            options.push(extensions::RESUME, extensions::resume_text(name, resume));
        }
        requests.push_back(request(path, options, caches.next().unwrap_or_default()));
        requests.extend(caches.map(|cache| request(path, self::options(config.hidden), cache)));
    }
    requests
}

fn options(hidden: bool) -> Dictionary {
    [
        (extensions::RESYNC, extensions::YES),
        (extensions::DIGEST, extensions::BLAKE3),
        (extensions::RECEIPT, extensions::YES),
        (extensions::OFFER, extensions::YES),
    ]
    .into_iter()
    .chain(hidden.then_some((extensions::HIDDEN, extensions::YES)))
    .collect()
}

fn request(path: &VirtualPath, options: Dictionary, cache: Dictionary) -> Bytes {
    let path = Bytes::copy_from_slice(path.as_str().as_bytes());
    Message::Icanhaz(Icanhaz { path, options, cache }).encode()
}

/// Names are relative to the path, as deployed servers want it. A name that is too long for a key
/// is left out, and its file is sent again.
fn caches(path: &VirtualPath, inventory: &Inventory) -> Vec<Dictionary> {
    let mut caches = vec![Dictionary::default()];
    let mut bytes = 0;
    for (name, digest) in inventory.complete.iter().filter(|(name, _)| path.covers(name)) {
        let key = name.below(path).unwrap_or_else(|| name.as_str());
        if key.len() > MAX_STRING {
            continue;
        }
        let (key, value) = (Bytes::copy_from_slice(key.as_bytes()), digest.to_string());
        let more = key.len() + value.len();
        if bytes + more > MAX_BYTES || caches.last().is_some_and(|cache| cache.len() >= MAX_ENTRIES)
        {
            caches.push(Dictionary::default());
            bytes = 0;
        }
        bytes += more;
        if let Some(cache) = caches.last_mut() {
            cache.push(key, value);
        }
    }
    caches
}
