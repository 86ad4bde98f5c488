//! What a client session wants, sorted.

use filemq::message::Message;
use filemq::session::{ClientClose, ClientOutput, ClientSession, ClientSessionEvent, Write};

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Outputs {
    pub(crate) said: Vec<Message>,
    pub(crate) writes: Vec<Write>,
    pub(crate) events: Vec<ClientSessionEvent>,
    pub(crate) close: Option<ClientClose>,
}

impl Outputs {
    /// Takes all outputs of a session. Nothing may come after its end.
    pub(crate) fn of(session: &mut ClientSession) -> Self {
        let mut outputs = Self::default();
        while let Some(output) = session.poll_output() {
            assert!(outputs.close.is_none(), "something after the end");
            match output {
                ClientOutput::Send(frame) => outputs.said.push(Message::decode(&frame).unwrap()),
                ClientOutput::Write(write) => outputs.writes.push(write),
                ClientOutput::Event(event) => outputs.events.push(event),
                ClientOutput::Close(why) => outputs.close = Some(why),
            }
        }
        outputs
    }
}
