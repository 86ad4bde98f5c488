//! One person's chat: what input does, and what events look like.

use zyre::{
    ActionError, Content, Event, ExitReason, Interface, KeyWords, Liveness, Node, PeerId, PeerInfo,
    WordsError,
};

use super::command::{Command, HELP};
use super::paint::Paint;
use super::people::People;
use super::screen::Prompt;
use crate::{gone, hub, id_in_use, key_news, text, unreachable};

/// A node, the room that the user talks in, and who is here.
pub(crate) struct Session {
    node: Node,
    people: People,
    room: Option<String>,
    paint: Paint,
    /// Whether to show the user's own messages, because the input cannot be seen.
    echo: bool,
}

/// The answer to a line of input.
pub(crate) enum Reply {
    /// Nothing to say.
    Nothing,
    /// Lines to show.
    Show(String),
    /// The end.
    Quit,
}

impl From<String> for Reply {
    fn from(text: String) -> Self {
        Self::Show(text)
    }
}

impl Session {
    /// Begins in `room`, which the node has joined.
    pub(crate) fn new(node: Node, room: String, paint: Paint, echo: bool) -> Self {
        let people = People::new(node.name());
        Self { node, people, room: Some(room), paint, echo }
    }

    /// Returns the text before the input line: the beginning of a message of the user.
    pub(crate) fn prompt(&self) -> Prompt {
        let room = self.room.as_deref().map_or_else(|| "-".to_owned(), text::room);
        let nick = self.people.own_nick();
        Prompt {
            plain: format!("[{room}] {nick}> "),
            painted: format!("{} {}> ", self.tag(&room), self.paint.bold(nick)),
        }
    }

    /// Tells the user where the node is. `asked`: the user chose the interface; `asks`: strangers are
    /// asked about.
    pub(crate) fn welcome(&self, asked: bool, asks: bool) -> String {
        let nick = self.paint.bold(self.people.own_nick());
        let room = self.room.as_deref().map(text::room).unwrap_or_default();
        let mut place = format!("You are {nick} in room {room}, {}. /help helps.", self.place());
        if let Some(key) = self.node.key().filter(|_| asks) {
            let words = self.paint.bold(&key.words().to_string());
            place += &format!("\nYour words, for those who ask: {words}");
        }
        let used: Vec<Interface> =
            self.node.interfaces().into_iter().filter(Interface::is_used).collect();
        if used.iter().all(Interface::is_loopback) && !asked {
            let only = self.paint.bold("No network is up: only this machine is reached.");
            return format!("{place}\n{only}");
        }
        place
    }

    fn place(&self) -> String {
        let used = self.node.interfaces().into_iter().filter(Interface::is_used);
        let names: Vec<String> = used.map(|interface| interface.name).collect();
        format!("at {} on {}", self.node.endpoint().address(), names.join(", "))
    }

    /// Carries out a line of input.
    pub(crate) fn obey(&mut self, line: &str) -> Reply {
        let done = match Command::parse(line) {
            Command::Nothing => return Reply::Nothing,
            Command::Quit => return Reply::Quit,
            Command::Help => return HELP.to_owned().into(),
            Command::Peers => return self.peers().into(),
            Command::Say(text) => self.say(text),
            Command::Join(room) => self.join(room),
            Command::Leave(room) => self.leave(room),
            Command::Room(room) => self.switch(room),
            Command::Whisper { to, text } => self.whisper(to, text),
            Command::Trust(words) => self.trust(words),
            Command::Nick => Err("a nick is told when peers meet, and stays: /quit, and start \
                                  again with another"
                .to_owned()),
            Command::Incomplete(usage) => Err(format!("this is written {usage}")),
            Command::Unknown("") => Err("after the / comes a command: /help lists them".to_owned()),
            Command::Unknown(word) => Err(format!(
                "there is no /{}: /help lists what there is; a text that begins with / is typed //",
                text::room(word)
            )),
        };
        done.unwrap_or_else(|error| self.paint.dim(&format!("  {error}")).into())
    }

    /// Says a line of a text that was pasted, whatever it begins with.
    pub(crate) fn obey_pasted(&self, line: &str) -> Reply {
        if line.trim().is_empty() {
            return Reply::Nothing;
        }
        self.say(line).unwrap_or_else(|error| self.paint.dim(&format!("  {error}")).into())
    }

    fn say(&self, text: &str) -> Result<Reply, String> {
        let room = self.room.as_deref().ok_or("you are in no room: /join ROOM")?;
        self.node.shout(room, text).map_err(told)?;
        if self.node.peers_in(room).is_empty() {
            let nobody = format!("nobody else is in {} to read that", text::room(room));
            return Ok(self.with_echo(&self.said(room, text), Some(&nobody)));
        }
        Ok(self.with_echo(&self.said(room, text), None))
    }

    fn whisper(&self, to: &str, text: &str) -> Result<Reply, String> {
        let peer = self.people.find(to)?;
        self.node.whisper(peer, text).map_err(told)?;
        let head = self.paint.whisper(&format!("(to {})", self.people.label(peer)));
        let said = format!("{head} {}: {}", self.people.own_nick(), text::message(text));
        Ok(self.with_echo(&said, None))
    }

    fn said(&self, room: &str, text: &str) -> String {
        let nick = self.people.own_nick();
        format!("{} {nick}: {}", self.tag(&text::room(room)), text::message(text))
    }

    /// The user's own message if it cannot be seen otherwise, and a remark.
    fn with_echo(&self, said: &str, remark: Option<&str>) -> Reply {
        let said = self.echo.then(|| self.stamp(said));
        let remark = remark.map(|remark| self.paint.dim(&format!("  {remark}")));
        match (said, remark) {
            (Some(said), Some(remark)) => format!("{said}\n{remark}").into(),
            (Some(line), None) | (None, Some(line)) => line.into(),
            (None, None) => Reply::Nothing,
        }
    }

    fn join(&mut self, room: &str) -> Result<Reply, String> {
        self.node.join(room).map_err(told)?;
        self.room = Some(room.to_owned());
        let others = self.node.peers_in(room);
        let labels: Vec<_> = others.iter().map(|peer| self.people.label(*peer)).collect();
        let who = if labels.is_empty() { "nobody else".to_owned() } else { labels.join(", ") };
        Ok(self.note(&format!("you are in {} now, with {who}", text::room(room))))
    }

    fn leave(&mut self, room: Option<&str>) -> Result<Reply, String> {
        let room = room.or(self.room.as_deref()).ok_or("you are in no room")?.to_owned();
        self.check_in(&room)?;
        self.node.leave(&room).map_err(told)?;
        if self.room.as_ref() == Some(&room) {
            self.room = self.node.own_groups().first().map(|next| next.to_string());
        }
        let left = text::room(&room);
        Ok(match self.room.as_deref().map(text::room) {
            Some(next) => self.note(&format!("you have left {left}; you talk in {next}")),
            None => self.note(&format!("you have left {left}, and are in no room")),
        })
    }

    /// Lets in the owner of the key with these words.
    fn trust(&self, words: &str) -> Result<Reply, String> {
        if self.node.key().is_none() {
            return Err("this node is not a secure one: start it with --ask".to_owned());
        }
        let words: KeyWords = words.parse().map_err(|error: WordsError| error.to_string())?;
        self.node.trust_words(words);
        Ok(self.note(&format!("the owner of the words {words} is let in, until you quit")))
    }

    fn switch(&mut self, room: &str) -> Result<Reply, String> {
        self.check_in(room)?;
        self.room = Some(room.to_owned());
        Ok(self.note(&format!("you talk in {}", text::room(room))))
    }

    fn check_in(&self, room: &str) -> Result<(), String> {
        let mine = self.node.own_groups();
        if mine.iter().any(|own| **own == *room) {
            return Ok(());
        }
        let mine: Vec<_> = mine.iter().map(|own| text::room(own)).collect();
        let mine = if mine.is_empty() { "no room".to_owned() } else { mine.join(", ") };
        Err(format!("you are not in {0} but in {mine}: /join {0}", text::room(room)))
    }

    fn peers(&self) -> String {
        let present = self.node.peers_info();
        if present.is_empty() {
            return self.paint.dim("  nobody else is here");
        }
        let labels: Vec<_> = present.iter().map(|info| self.people.label(info.id)).collect();
        let width = labels.iter().map(|label| label.chars().count()).max().unwrap_or_default();
        let lines = present.iter().zip(&labels).map(|(info, label)| self.peer(info, label, width));
        lines.collect::<Vec<_>>().join("\n")
    }

    fn peer(&self, info: &PeerInfo, label: &str, width: usize) -> String {
        let rooms: Vec<_> = info.groups.iter().map(|group| text::room(group)).collect();
        let rooms = if rooms.is_empty() { "in no room".to_owned() } else { rooms.join(", ") };
        let state = match info.liveness {
            Liveness::Present => "active",
            Liveness::Evasive => "quiet",
            _ => "does not answer",
        };
        let id = self.paint.dim(&format!("#{:.8}", info.id.to_string()));
        let gap = " ".repeat(width - label.chars().count());
        let name = self.paint.nick(info.id, label);
        format!("  {name}{gap}  {id}  {}  {state}  {rooms}", info.endpoint.address())
    }

    /// Returns the line that tells of an event; `None` if it is not worth one.
    pub(crate) fn tell(&mut self, event: &Event) -> Option<String> {
        if let Event::Enter { peer, name, .. } = event {
            self.people.enter(*peer, name);
        }
        if let Event::Moved { .. } = event {
            return Some(self.stamp(&format!("* you are now {}", self.place())));
        }
        if let Event::Unreachable { endpoint, why, .. } = event {
            let sentence = unreachable::sentence(*endpoint, *why, self.node.endpoint());
            return Some(self.stamp(&format!("* {sentence}")));
        }
        if let Event::EndpointUnreachable { endpoint, why } = event {
            let own = self.node.endpoint();
            let sentence = unreachable::sentence_of_endpoint(endpoint, *why, own)?;
            return Some(self.stamp(&format!("* {sentence}")));
        }
        if let Event::IdInUse { endpoint } = event {
            return Some(self.stamp(&format!("* {}", id_in_use::sentence(*endpoint))));
        }
        if let Some(sentence) = hub::sentence(event).or_else(|| key_news::sentence(event)) {
            return Some(self.stamp(&format!("* {sentence}")));
        }
        let peer = event.peer()?;
        let who = self.paint.nick(peer, &self.people.label(peer));
        let line = match event {
            Event::Enter { endpoint, .. } => format!("* {who} is here, at {}", endpoint.address()),
            Event::Exit { reason, .. } => {
                self.people.exit(peer);
                format!("* {who} {}", gone(*reason))
            }
            Event::Join { group, .. } => format!("* {who} joined {}", text::room(group)),
            Event::Leave { group, .. } => format!("* {who} left {}", text::room(group)),
            Event::Whisper { content, .. } => {
                format!("{} {who}: {}", self.paint.whisper("(whisper)"), one_line(content))
            }
            Event::Shout { group, content, .. } => {
                format!("{} {who}: {}", self.tag(&text::room(group)), one_line(content))
            }
            Event::Evasive { .. } => self.faint(peer, "has become quiet"),
            Event::Silent { .. } => self.faint(peer, "does not answer"),
            Event::Returned { .. } => self.faint(peer, "is back"),
            _ => return None,
        };
        Some(self.stamp(&line))
    }

    fn faint(&self, peer: PeerId, what: &str) -> String {
        self.paint.dim(&format!("* {} {what}", self.people.label(peer)))
    }

    fn tag(&self, room: &str) -> String {
        self.paint.dim(&format!("[{room}]"))
    }

    fn note(&self, what: &str) -> Reply {
        self.paint.dim(&format!("  {what}")).into()
    }

    /// Puts the time before a line.
    fn stamp(&self, line: &str) -> String {
        let now = jiff::Zoned::now().strftime("%H:%M").to_string();
        format!("{} {line}", self.paint.dim(&now))
    }
}

/// Words an error for the user.
fn told(refused: ActionError) -> String {
    refused.to_string()
}

/// Puts the content of a message on one line.
fn one_line(content: &Content) -> String {
    text::message(&content.to_text())
}

/// Says in words why a peer is gone.
fn gone(reason: ExitReason) -> String {
    gone::why(reason).map_or_else(|| "left the chat".to_owned(), |why| format!("is gone: {why}"))
}
