//! The election in one group, as a member of the C library plays it: echo with extinction, counted.

use zre_proto::PeerId;

/// A member's election.
#[derive(Debug)]
pub(crate) struct CElection {
    me: PeerId,
    pub(crate) contests: bool,
    /// The peer that leads, as far as it knows; nobody since a round began, or if it leads itself.
    pub(crate) leader: Option<PeerId>,
    running: Option<Running>,
}

/// One round of it.
#[derive(Debug)]
struct Running {
    /// The lowest wave that was heard of, and who it came from first.
    wave: PeerId,
    father: Option<PeerId>,
    /// ELECTs with the id of the wave, and LEADERs, that have come: from whomever, and of whomever.
    elects: usize,
    leaders: usize,
}

/// Something to be said to a member.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Say {
    Elect(PeerId, PeerId),
    Leader(PeerId, PeerId),
}

impl CElection {
    pub(crate) const fn new(me: PeerId) -> Self {
        Self { me, contests: false, leader: None, running: None }
    }

    pub(crate) const fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Whether as many LEADERs as there are members have come already, so that none ends the round.
    pub(crate) fn waits_for_ever(&self, members: usize) -> bool {
        self.running.as_ref().is_some_and(|running| running.leaders >= members)
    }

    /// A member that contests starts a round, in the place of one that runs.
    pub(crate) fn start(&mut self, members: &[PeerId]) -> Vec<Say> {
        if !self.contests {
            return Vec::new();
        }
        self.leader = None;
        self.running = Some(Running { wave: self.me, father: None, elects: 0, leaders: 0 });
        members.iter().map(|to| Say::Elect(*to, self.me)).collect()
    }

    /// There is nobody to elect with.
    pub(crate) fn is_alone(&mut self) {
        (self.leader, self.running) = (None, None);
    }

    pub(crate) fn elect(&mut self, members: &[PeerId], from: PeerId, id: PeerId) -> Vec<Say> {
        let mut says = Vec::new();
        if self.running.as_ref().is_none_or(|running| id < running.wave) {
            self.running = Some(Running { wave: id, father: Some(from), elects: 0, leaders: 0 });
            let others = members.iter().filter(|to| **to != from);
            says.extend(others.map(|to| Say::Elect(*to, id)));
        }
        let Some(running) = self.running.as_mut().filter(|running| running.wave == id) else {
            return says;
        };
        running.elects += 1;
        if running.elects == members.len() {
            if running.wave == self.me {
                says.extend(members.iter().map(|to| Say::Leader(*to, self.me)));
            } else {
                says.extend(running.father.map(|to| Say::Elect(to, id)));
            }
        }
        says
    }

    /// Returns what is to be said, and whether the round has ended: with the leader that the last one
    /// has told, whatever the wave was.
    pub(crate) fn leader(&mut self, members: &[PeerId], id: PeerId) -> (Vec<Say>, bool) {
        let Some(running) = &mut self.running else { return (Vec::new(), false) };
        let wave = running.wave;
        let tells = id != self.me && running.leaders == 0;
        let told = members.iter().filter(|_| tells).map(|to| Say::Leader(*to, wave)).collect();
        running.leaders += 1;
        let ended = running.leaders == members.len();
        if ended {
            self.running = None;
        }
        (told, ended)
    }
}
