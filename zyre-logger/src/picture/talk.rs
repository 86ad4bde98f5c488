//! What the text of a line says.

/// What a message is, by the text of SEND and RECV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Talk<'a> {
    /// To this group.
    Shout(&'a str),
    /// To one node.
    Whisper,
}

impl<'a> Talk<'a> {
    pub(super) fn read(data: &'a str) -> Self {
        data.strip_prefix("SHOUT ").map_or(Self::Whisper, Self::Shout)
    }
}

/// What has become of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// It is on its way.
    Going,
    /// All of it has left.
    Sent,
    /// It is whole and in its place.
    Delivered,
    /// It was not taken.
    Failed,
}

/// A line about a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TransferLine<'a> {
    /// Whether the writer of the line sends.
    pub(super) sends: bool,
    pub(super) progress: Progress,
    pub(super) bytes: Option<u64>,
    pub(super) total: Option<u64>,
    pub(super) name: &'a str,
}

/// What a line without an event says, if this program understands it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Statement<'a> {
    /// Who leads a group.
    Leads {
        /// The group.
        group: &'a str,
        /// Nobody does.
        nobody: bool,
    },
    /// How far a file is.
    Transfer(TransferLine<'a>),
}

impl<'a> Statement<'a> {
    /// Reads a line about a peer of that name; `""` if it is about none, or its name is not known.
    pub(super) fn read(data: &'a str, peer_name: &str) -> Option<Self> {
        if let Some(transfer) = TransferLine::read(data) {
            return Some(Self::Transfer(transfer));
        }
        if let Some(group) = data.strip_prefix("nobody leads ") {
            return Some(Self::Leads { group, nobody: true });
        }
        // A name may hold anything.
        let by_name = data.strip_prefix(peer_name).and_then(|rest| rest.strip_prefix(" leads "));
        let group = by_name.or_else(|| data.split_once(" leads ").map(|(_, group)| group))?;
        Some(Self::Leads { group, nobody: false })
    }
}

impl<'a> TransferLine<'a> {
    fn read(data: &'a str) -> Option<Self> {
        let (head, name) = data.split_once(": ")?;
        let mut words = head.split(' ');
        let (sends, progress) = match words.next()? {
            "sending" => (true, Progress::Going),
            "receiving" => (false, Progress::Going),
            "sent" => (true, Progress::Sent),
            "confirmed" => (true, Progress::Delivered),
            "delivered" => (false, Progress::Delivered),
            "rejected" => (true, Progress::Failed),
            "refused" => (false, Progress::Failed),
            _ => return None,
        };
        let number = |word: &str| word.parse::<u64>().ok();
        let (bytes, total) = match (words.next(), words.next(), words.next(), words.next()) {
            (None, ..) if progress == Progress::Failed => (None, None),
            (Some(bytes), Some("bytes"), None, None) => {
                let bytes = number(bytes)?;
                (Some(bytes), (progress != Progress::Going).then_some(bytes))
            }
            (Some(bytes), Some("of"), Some(total), Some("bytes")) => {
                (Some(number(bytes)?), Some(number(total)?))
            }
            _ => return None,
        };
        words.next().is_none().then_some(Self { sends, progress, bytes, total, name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_about_files_and_leaders() {
        let read = |data| Statement::read(data, "a leads b");
        let Some(Statement::Transfer(line)) = read("sending 5 of 10 bytes: x: y") else {
            panic!("it is about a file");
        };
        assert_eq!((line.sends, line.progress, line.name), (true, Progress::Going, "x: y"));
        assert_eq!((line.bytes, line.total), (Some(5), Some(10)));
        assert_eq!(
            read("a leads b leads c"),
            Some(Statement::Leads { group: "c", nobody: false }),
            "the name is known"
        );
        assert_eq!(read("nobody leads c"), Some(Statement::Leads { group: "c", nobody: true }));
        for other in ["sending soon: x", "sent: x", "sent 5 of bytes: x", "hello", "sent 5 bytes x"]
        {
            assert_eq!(read(other), None, "{other}");
        }
        assert!(matches!(read("refused: x"), Some(Statement::Transfer(_))));
    }
}
