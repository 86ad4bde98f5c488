//! What to tell the user of files that are published, left out, refused, and tried again.

use zyre::{Endpoint, Event, Fate, Omission, OmittedFiles, PeerId, Printable, Refusal};

use crate::text::{self, size};

/// Returns a sentence about an event of file sharing; `None` for any other event, and for transfers.
/// `who` is the peer's name.
pub(crate) fn sentence(event: &Event, who: impl FnOnce(PeerId) -> String) -> Option<String> {
    match event {
        Event::Published { name, files, bytes } => Some(published(name, *files, *bytes)),
        Event::Omitted { name, omitted } => Some(self::omitted(name, omitted)),
        Event::Refused { peer, name, reason, fate } => {
            Some(format!("{}: {}", who(*peer), refused(name, reason, *fate)))
        }
        Event::Retried { peer, name } => Some(format!("{}: {}", who(*peer), retried(name))),
        Event::Sent { peer, name, size: bytes, receipt_follows: false } => {
            Some(format!("{} was sent {}, {}", who(*peer), text::message(name), size(*bytes)))
        }
        Event::Withdrawn { peer, name, id } => {
            Some(format!("[{id}] {} offers {} no more", who(*peer), text::message(name)))
        }
        Event::Confirmed { peer, name, size: bytes, .. } => {
            Some(format!("{} has {}, {}", who(*peer), text::message(name), size(*bytes)))
        }
        Event::Rejected { peer, name, reason, fate } => {
            Some(rejected(&who(*peer), name, reason, *fate))
        }
        Event::FolderUnusable { why } => Some(folder_unusable(why)),
        Event::FolderUsable => Some(FOLDER_USABLE.to_owned()),
        Event::FileServerUnreachable { peer, endpoint, why } => {
            Some(server_unreachable(&who(*peer), *endpoint, why))
        }
        Event::FileServerReached { peer } => {
            Some(format!("{}: files can be fetched now", who(*peer)))
        }
        _ => None,
    }
}

pub(crate) const FOLDER_USABLE: &str = "the received folder can be used again";

pub(crate) fn folder_unusable(why: &str) -> String {
    format!("the received folder cannot be used: {}; trying again", Printable::new(why))
}

/// Returns a line about a file server that cannot be reached, and what to do.
fn server_unreachable(who: &str, endpoint: Endpoint, why: &str) -> String {
    let (address, why) = (endpoint.address(), text::message(why));
    let port = address.port();
    format!(
        "{who}: files cannot be fetched from {address}: {why}; trying again. If it lasts, check that \
         both are on one network, and let TCP port {port} through the firewall there"
    )
}

fn published(name: &str, files: usize, bytes: u64) -> String {
    let s = if files == 1 { "" } else { "s" };
    format!("{}: {files} file{s}, {}", text::message(name), size(bytes))
}

/// Returns a line about files that are not published.
pub(crate) fn omitted(name: &str, omitted: &OmittedFiles) -> String {
    let OmittedFiles { reason, count, example, .. } = omitted;
    let name = text::message(name);
    let place = if name == "/" { String::new() } else { format!("{name}: ") };
    // What was published before it could not be read any more is so still.
    if let Omission::Unreadable(why) = reason {
        return format!("{place}{}", unreadable(*count, example, &text::message(why)));
    }
    let (example, reason) = (text::file(example), text::message(&reason.to_string()));
    match count {
        0 => format!("{place}nothing is left out any more: {reason}"),
        1 => format!("{place}not published: {example} ({reason})"),
        count => format!("{place}{count} not published: {example} and others ({reason})"),
    }
}

fn unreadable(count: usize, example: &str, why: &str) -> String {
    match (count, example) {
        (0, _) => format!("this is over: {}", why.split(';').next().unwrap_or(why)),
        // The directory itself.
        (_, "") => format!("cannot be read: {why}; trying again"),
        (1, example) => format!("cannot read {}: {why}; trying again", text::file(example)),
        (count, example) => {
            format!("cannot read {count}, such as {}: {why}; trying again", text::file(example))
        }
    }
}

/// Returns a line about a file that was not accepted.
pub(crate) fn refused(name: &str, reason: &Refusal, fate: Fate) -> String {
    let (name, reason) = (text::message(name), why(reason));
    match fate {
        Fate::Passing => format!("{name} has to wait: {reason}"),
        Fate::Final => format!("{name} is refused: {reason}"),
    }
}

/// Returns why a file was not accepted.
pub(crate) fn why(reason: &Refusal) -> String {
    match reason {
        Refusal::NoRoom { needed, free } => {
            format!("no space: {} needed, {} free", size(*needed), size(*free))
        }
        other => text::message(&other.to_string()),
    }
}

/// Returns a line about a file that a peer does not accept.
fn rejected(who: &str, name: &str, reason: &str, fate: Fate) -> String {
    let (name, reason) = (text::message(name), text::message(reason));
    match fate {
        Fate::Passing => format!("{who} cannot take {name} yet: {reason}"),
        Fate::Final => format!("{who} refuses {name}: {reason}"),
    }
}

/// Returns a line about a file that was refused before and comes now.
pub(crate) fn retried(name: &str) -> String {
    format!("{} comes now", text::message(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(reason: Omission, count: usize, example: &str) -> OmittedFiles {
        OmittedFiles::new(reason, count, example)
    }

    #[test]
    fn what_is_left_out_is_named_or_counted_and_fits_on_a_line() {
        let told =
            |name: &str, reason, count, example: &str| omitted(name, &some(reason, count, example));
        assert_eq!(
            told("/photos", Omission::Hidden, 1, ".thumbs"),
            "/photos: not published: .thumbs (hidden)"
        );
        assert_eq!(
            told("/photos", Omission::LinkOut, 12, "a\u{1b}b"),
            "/photos: 12 not published: a␛b and others (the link leads out of the directory)"
        );
        assert_eq!(
            told("/photos", Omission::Hidden, 0, ""),
            "/photos: nothing is left out any more: hidden"
        );
        let denied = |count, example: &str| {
            told("/photos", Omission::Unreadable("denied".into()), count, example)
        };
        assert_eq!(
            denied(2, "1.jpg"),
            "/photos: cannot read 2, such as 1.jpg: denied; trying again"
        );
        assert_eq!(denied(1, "1.jpg"), "/photos: cannot read 1.jpg: denied; trying again");
        assert_eq!(denied(3, ""), "/photos: cannot be read: denied; trying again");
        assert_eq!(denied(0, ""), "/photos: this is over: denied");
    }

    #[test]
    fn a_file_waits_or_is_refused() {
        let room = Refusal::NoRoom { needed: 40_000_000, free: 20 << 20 };
        assert_eq!(
            refused("/big", &room, Fate::Passing),
            "/big has to wait: no space: 38.15 MiB needed, 20.00 MiB free"
        );
        let name = Refusal::Name("it names a device".into());
        let line = refused("/nul", &name, Fate::Final);
        assert!(line.starts_with("/nul is refused: ") && line.contains("names a device"), "{line}");
    }

    #[test]
    fn every_event_of_files_has_a_sentence() {
        let peer = PeerId::new([1; 16]);
        let who = |_| "alice".to_owned();
        let told = |event: &Event| sentence(event, who);
        let published = Event::Published { name: "/d".into(), files: 2, bytes: 1024 };
        assert_eq!(told(&published).as_deref(), Some("/d: 2 files, 1.00 KiB"));
        let retried = Event::Retried { peer, name: "/big".into() };
        assert_eq!(told(&retried).as_deref(), Some("alice: /big comes now"));
        let sent = |receipt_follows| {
            told(&Event::Sent { peer, name: "/big".into(), size: 1024, receipt_follows })
        };
        assert_eq!(sent(false).as_deref(), Some("alice was sent /big, 1.00 KiB"));
        assert_eq!(sent(true), None, "what becomes of it is told");
        let withdrawn = Event::Withdrawn { peer, id: 3.into(), name: "/big".into() };
        assert_eq!(told(&withdrawn).as_deref(), Some("[3] alice offers /big no more"));
        let has = Event::Confirmed { peer, name: "/big".into(), size: 1024, already: false };
        assert_eq!(told(&has).as_deref(), Some("alice has /big, 1.00 KiB"));
        for (fate, expected) in [
            (Fate::Passing, "alice cannot take /big yet: full␛"),
            (Fate::Final, "alice refuses /big: full␛"),
        ] {
            let (name, reason) = ("/big".into(), "full\u{1b}".into());
            assert_eq!(
                told(&Event::Rejected { peer, name, reason, fate }).as_deref(),
                Some(expected)
            );
        }
        let lost = Event::FolderUnusable { why: "gone\u{1b}".into() };
        assert!(!told(&lost).unwrap().contains('\u{1b}'));
        assert_eq!(told(&Event::FolderUsable).as_deref(), Some(FOLDER_USABLE));
        let endpoint = "tcp://10.0.0.7:49153".parse().unwrap();
        let unreachable =
            Event::FileServerUnreachable { peer, endpoint, why: "refused\u{1b}".into() };
        let line = told(&unreachable).unwrap();
        assert!(line.starts_with("alice: files cannot be fetched from 10.0.0.7:49153: refused␛; "));
        assert!(line.contains("TCP port 49153 through the firewall there"), "{line}");
        let reached = Event::FileServerReached { peer };
        assert_eq!(told(&reached).as_deref(), Some("alice: files can be fetched now"));
        assert_eq!(told(&Event::Stop), None);
    }
}
