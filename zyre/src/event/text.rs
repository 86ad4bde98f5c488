//! Events as lines for people.

use std::fmt;

use zmtp::Printable;

use super::Event;

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |text| Printable::new(text);
        match self {
            Self::Enter { name, endpoint, .. } => {
                write!(f, "{} has entered, at {endpoint}", text(name))
            }
            Self::Exit { name, reason, .. } => write!(f, "{} is gone: {reason}", text(name)),
            Self::Join { name, group, .. } => write!(f, "{} is in {}", text(name), text(group)),
            Self::Leave { name, group, .. } => write!(f, "{} has left {}", text(name), text(group)),
            Self::Whisper { name, content, .. } => {
                write!(f, "{} whispers: {}", text(name), text(&content.to_text()))
            }
            Self::Shout { name, group, content, .. } => {
                write!(f, "{} to {}: {}", text(name), text(group), text(&content.to_text()))
            }
            Self::Evasive { name, .. } => write!(f, "{} is evasive", text(name)),
            Self::Silent { name, .. } => write!(f, "{} is silent", text(name)),
            Self::Returned { name, .. } => write!(f, "{} is back", text(name)),
            Self::Unreachable { peer, endpoint, why } => {
                write!(f, "{peer} cannot be met at {endpoint}: {why}")
            }
            Self::EndpointUnreachable { endpoint, why } => {
                write!(f, "nobody can be met at {endpoint}: {why}")
            }
            Self::Leader { group, mine: true, .. } => write!(f, "this node leads {}", text(group)),
            Self::Leader { group, leader: Some(peer), .. } => {
                write!(f, "{peer} leads {}", text(group))
            }
            Self::Leader { group, leader: None, .. } => write!(f, "nobody leads {}", text(group)),
            Self::IdInUse { endpoint } => {
                write!(f, "another node, at {endpoint}, uses the id of this one")
            }
            Self::HubUnreachable { hub, why } => {
                write!(f, "the gossip hub {hub} cannot be reached: {}", text(why))
            }
            Self::HubReached { hub } => write!(f, "the gossip hub {hub} has answered"),
            Self::Moved { endpoint } => write!(f, "this node is at {endpoint} now"),
            Self::Stop => f.write_str("this node has stopped"),
            #[cfg(feature = "curve")]
            Self::KeyChanged { name, key, .. } => {
                write!(f, "{} has another key than before: {key}", text(name))
            }
            #[cfg(feature = "curve")]
            Self::Stranger { key, address } => {
                write!(f, "a stranger at {address} says that its key is {key}")
            }
            #[cfg(feature = "curve")]
            Self::TrustFileUnusable { error } => f.write_str(error),
            #[cfg(feature = "files")]
            event => event.write_of_files(f),
        }
    }
}

#[cfg(feature = "files")]
impl Event {
    /// Writes what is told of files.
    fn write_of_files(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |text| Printable::new(text);
        match self {
            Self::Offered { peer, offer } => write!(f, "{peer} offers {}", text(&offer.name)),
            Self::Withdrawn { peer, name, .. } => {
                write!(f, "{peer} does not offer {} any more", text(name))
            }
            Self::Deliver { peer, name, path, .. } => {
                let path = path.display().to_string();
                write!(f, "{} of {peer} is here: {}", text(name), text(&path))
            }
            Self::Retract { peer, name, .. } => write!(f, "{peer} has taken back {}", text(name)),
            Self::Refused { peer, name, reason, .. } => {
                let reason = reason.to_string();
                write!(f, "{} of {peer} is not accepted: {}", text(name), text(&reason))
            }
            Self::Retried { peer, name } => write!(f, "{} of {peer} is tried again", text(name)),
            Self::Published { name, files, bytes } => {
                write!(f, "{} is published: {files} files, {bytes} bytes", text(name))
            }
            Self::Omitted { name, omitted } => {
                let (count, reason) = (omitted.count, omitted.reason.to_string());
                write!(f, "{count} files of {} are not published: {}", text(name), text(&reason))
            }
            Self::FolderUnusable { why } => {
                write!(f, "the received folder cannot be used: {}", text(why))
            }
            Self::FolderUsable => f.write_str("the received folder can be used again"),
            Self::FileServerUnreachable { peer, endpoint, why } => {
                write!(f, "the files of {peer} cannot be reached at {endpoint}: {}", text(why))
            }
            Self::FileServerReached { peer } => write!(f, "the files of {peer} can be reached"),
            Self::Receiving { peer, name, bytes, .. } => {
                write!(f, "{} of {peer}: {bytes} bytes received", text(name))
            }
            Self::Sending { peer, name, bytes, .. } => {
                write!(f, "{} to {peer}: {bytes} bytes sent", text(name))
            }
            Self::Sent { peer, name, .. } => write!(f, "{} is sent to {peer}", text(name)),
            Self::Confirmed { peer, name, .. } => write!(f, "{peer} has {}", text(name)),
            Self::Declined { peer, name, reason } => {
                write!(f, "{peer} does not want {}: {}", text(name), text(reason))
            }
            Self::Rejected { peer, name, reason, .. } => {
                write!(f, "{peer} does not accept {}: {}", text(name), text(reason))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use zre_proto::{ExitReason, PeerId};

    use super::Event;

    #[test]
    fn an_event_is_one_line_that_is_fit_for_a_terminal() {
        let peer = PeerId::new([0xAB; 16]);
        let name = || "a\x1b[2Jl\nice".into();
        let exit = Event::Exit { peer, name: name(), reason: ExitReason::LinkLost }.to_string();
        assert_eq!(exit, "a␛[2Jl␊ice is gone: link lost");
        let content = "one\ntwo\x07".into();
        let shout = Event::Shout { peer, name: name(), group: "chat".into(), content }.to_string();
        assert_eq!(shout, "a␛[2Jl␊ice to chat: one␊two␇");
        let leader = |leader, mine| Event::Leader { group: "g".into(), leader, mine }.to_string();
        assert_eq!(leader(Some(peer), true), "this node leads g");
        assert_eq!(leader(Some(peer), false), format!("{peer} leads g"));
        assert_eq!(leader(None, false), "nobody leads g");
    }

    #[test]
    #[cfg(feature = "files")]
    fn what_is_told_of_files_is_a_line_as_well() {
        let peer = PeerId::new([0xAB; 16]);
        let declined = Event::Declined { peer, name: "/a".into(), reason: "no\nroom".into() };
        assert_eq!(declined.to_string(), format!("{peer} does not want /a: no␊room"));
        assert_eq!(Event::FolderUsable.to_string(), "the received folder can be used again");
    }
}
