//! What a line of input asks for.

/// A line of input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command<'a> {
    /// An empty line.
    Nothing,
    /// Text for the current room.
    Say(&'a str),
    /// To enter a room, and talk there.
    Join(&'a str),
    /// To leave a room, or the current one.
    Leave(Option<&'a str>),
    /// To talk in another of the rooms this node is in.
    Room(&'a str),
    /// To list who is here.
    Peers,
    /// Text for one peer.
    Whisper {
        /// A nick, `NICK#ID` or `#ID`.
        to: &'a str,
        /// What to say.
        text: &'a str,
    },
    /// To trust a person by the six words of their key.
    Trust(&'a str),
    /// To have another nick, which cannot be.
    Nick,
    /// To list the commands.
    Help,
    /// To end the chat.
    Quit,
    /// A command that lacks something, with how it is written.
    Incomplete(&'static str),
    /// A command that does not exist.
    Unknown(&'a str),
}

/// The text of `/help`.
pub(crate) const HELP: &str = "  \
  TEXT             say it in the current room (for a first / type //)
  /join ROOM       enter a room and talk there
  /leave [ROOM]    leave a room, or the current one
  /room ROOM       talk in another room you are in
  /peers           who is here, where, in which rooms
  /msg NICK TEXT   whisper to one person (NICK#ID or #ID if it has to be)
  /trust WORDS     let in a stranger: the six words on their screen
  /help            this
  /quit            leave; so do Ctrl-D and Ctrl-C";

impl<'a> Command<'a> {
    /// Parses a line.
    pub(crate) fn parse(line: &'a str) -> Self {
        let line = line.trim();
        let Some(command) = line.strip_prefix('/') else {
            return if line.is_empty() { Self::Nothing } else { Self::Say(line) };
        };
        if command.starts_with('/') {
            return Self::Say(command);
        }
        let (word, rest) = split(command);
        match (word, rest) {
            ("join" | "j", "") => Self::Incomplete("/join ROOM"),
            ("join" | "j", room) => Self::Join(room),
            ("leave", "") => Self::Leave(None),
            ("leave", room) => Self::Leave(Some(room)),
            ("room", "") => Self::Incomplete("/room ROOM"),
            ("room", room) => Self::Room(room),
            ("peers" | "who", _) => Self::Peers,
            ("msg" | "m", rest) => match split(rest) {
                (_, "") => Self::Incomplete("/msg NICK TEXT"),
                (to, text) => Self::Whisper { to, text },
            },
            ("trust", "") => Self::Incomplete("/trust WORDS"),
            ("trust", words) => Self::Trust(words),
            ("nick", _) => Self::Nick,
            ("help" | "h" | "?", _) => Self::Help,
            ("quit" | "q" | "exit", _) => Self::Quit,
            (word, _) => Self::Unknown(word),
        }
    }
}

/// Splits a text into its first word and the rest.
fn split(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        for (line, command) in [
            ("", Command::Nothing),
            ("  \t", Command::Nothing),
            (" hello  there ", Command::Say("hello  there")),
            ("//etc is a folder", Command::Say("/etc is a folder")),
            ("/join tea room", Command::Join("tea room")),
            ("/join", Command::Incomplete("/join ROOM")),
            ("/leave", Command::Leave(None)),
            ("/leave lobby", Command::Leave(Some("lobby"))),
            ("/room  lobby", Command::Room("lobby")),
            (
                "/msg bob#a9c4  how are you",
                Command::Whisper { to: "bob#a9c4", text: "how are you" },
            ),
            ("/msg bob", Command::Incomplete("/msg NICK TEXT")),
            ("/msg", Command::Incomplete("/msg NICK TEXT")),
            ("/peers", Command::Peers),
            ("/trust", Command::Incomplete("/trust WORDS")),
            ("/trust  legal winner", Command::Trust("legal winner")),
            ("/nick carol", Command::Nick),
            ("/quit now", Command::Quit),
            ("/", Command::Unknown("")),
            ("/shrug", Command::Unknown("shrug")),
        ] {
            assert_eq!(Command::parse(line), command, "{line:?}");
        }
    }
}
