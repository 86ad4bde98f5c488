//! What a client asks for.

use std::collections::VecDeque;

use bytes::Bytes;

use super::Known;
use crate::VirtualPath;
use crate::message::{Dictionary, Icanhaz, MAX_STRING, Message};
use crate::session::terms;

/// Entries and octets of the cache of one message. More goes into a further one for the same path:
/// to others that is a subscription that they have already.
const ENTRIES: usize = 50_000;
const OCTETS: usize = 4 * 1024 * 1024;

/// The paths without those that another covers.
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

/// ICANHAZ for each of the paths, with what is there already.
pub(super) fn wishes(paths: &[VirtualPath], known: &Known) -> VecDeque<Bytes> {
    let mut wishes = VecDeque::new();
    for path in paths {
        let mut caches = caches(path, known).into_iter();
        let mut options = options();
        if let Some((name, resume)) = &known.partial
            && path.covers(name)
        {
            options.push(terms::RESUME, terms::resume_text(name, resume));
        }
        wishes.push_back(wish(path, options, caches.next().unwrap_or_default()));
        wishes.extend(caches.map(|cache| wish(path, self::options(), cache)));
    }
    wishes
}

fn options() -> Dictionary {
    [(terms::RESYNC, terms::YES), (terms::DIGEST, terms::BLAKE3)].into_iter().collect()
}

fn wish(path: &VirtualPath, options: Dictionary, cache: Dictionary) -> Bytes {
    let path = Bytes::copy_from_slice(path.as_str().as_bytes());
    Message::Icanhaz(Icanhaz { path, options, cache }).encode()
}

/// A name is relative to the path, as deployed servers want it. One that does not fit a key is left
/// out, and its file is sent again.
fn caches(path: &VirtualPath, known: &Known) -> Vec<Dictionary> {
    let mut caches = vec![Dictionary::default()];
    let mut octets = 0;
    for (name, digest) in known.complete.iter().filter(|(name, _)| path.covers(name)) {
        let key = name.below(path).unwrap_or_else(|| name.as_str());
        if key.len() > MAX_STRING {
            continue;
        }
        let (key, value) = (Bytes::copy_from_slice(key.as_bytes()), digest.to_string());
        let more = key.len() + value.len();
        if octets + more > OCTETS || caches.last().is_some_and(|cache| cache.len() >= ENTRIES) {
            caches.push(Dictionary::default());
            octets = 0;
        }
        octets += more;
        if let Some(cache) = caches.last_mut() {
            cache.push(key, value);
        }
    }
    caches
}
