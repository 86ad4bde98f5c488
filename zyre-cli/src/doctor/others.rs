//! What is found of other nodes: those whose beacons are heard, and other doctors.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use zyre::PeerId;

use super::colleague::Word;
use super::evidence::{Evidence, is_near};
use super::finding::{Cause, Finding};
use super::reach::Reach;
use super::sighting::Sighting;

/// A node, as far as anything is known of it.
struct Other<'a> {
    evidence: &'a Evidence,
    id: PeerId,
    /// What it is called in sentences.
    name: String,
    sightings: &'a [Sighting],
    word: Option<(&'a Word, IpAddr)>,
}

/// Looks at every node that is heard of.
pub(super) fn nodes(evidence: &Evidence, now: Instant) -> Vec<Finding> {
    evidence.nodes().into_iter().flat_map(|id| Other::new(evidence, id).findings(now)).collect()
}

/// Which way connections get through.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Open,
    Closed,
    Unknown,
}

impl<'a> Other<'a> {
    fn new(evidence: &'a Evidence, id: PeerId) -> Self {
        let sightings = evidence.heard.get(&id).map(Vec::as_slice).unwrap_or_default();
        let word = evidence.colleagues.get(&id).map(|(word, from)| (word, *from));
        let called = evidence.met.get(&id).cloned();
        let called = called.or_else(|| word.map(|_| "the doctor".to_owned()));
        let called = called.unwrap_or_else(|| "the node".to_owned());
        let at = sightings.first().map(|it| it.at);
        let at = at.or_else(|| word.map(|(word, from)| SocketAddr::new(from, word.mailbox_port)));
        let at = at.map(|at| format!(" at {at}")).unwrap_or_default();
        let name = format!("{called} ({:.8}){at}", id.to_string());
        Self { evidence, id, name, sightings, word }
    }

    fn findings(&self, now: Instant) -> Vec<Finding> {
        if let Some(twice) = self.twice() {
            return vec![twice];
        }
        if let Some(apart) = self.apart() {
            return vec![apart];
        }
        let mut findings: Vec<Finding> = self.mask(now).into_iter().collect();
        findings.extend(self.beacons());
        findings.extend(self.connections());
        if findings.is_empty() && self.is_met() {
            let name = &self.name;
            findings.push(Finding::fine(format!("{name}: connections get through both ways")));
        }
        findings
    }

    fn is_met(&self) -> bool {
        self.evidence.met.contains_key(&self.id)
    }

    /// Two nodes with its id.
    fn twice(&self) -> Option<Finding> {
        let pairs = self.sightings.iter().enumerate();
        let twice = pairs
            .flat_map(|(n, one)| self.sightings.iter().skip(n + 1).map(move |other| (one, other)));
        let (one, other) = twice.into_iter().find(|(one, other)| one.is_of_another_than(other))?;
        Some(Finding::problem(
            Cause::IdTwice,
            format!(
                "two nodes have the id {}: at {} and at {}. They do not meet, and others meet one of \
                 them",
                self.id, one.at, other.at
            ),
            "start one of them with another id, or another --state directory",
        ))
    }

    /// It lives in another world: on another port, or with other security.
    fn apart(&self) -> Option<Finding> {
        let Evidence { beacon_port, is_secure, .. } = *self.evidence;
        if self.is_met() {
            return None;
        }
        let sighting = self.sightings.first();
        let its_port = sighting.map(|it| it.beacon_port);
        let its_port = self.word.map(|(word, _)| word.beacon_port).or(its_port)?;
        let its_security = self.word.map(|(word, _)| word.is_secure);
        let its_security = its_security.or_else(|| sighting.map(|it| it.is_secure))?;
        let name = &self.name;
        if its_security != is_secure {
            let (it_is, this_is) = if its_security { ("is", "is not") } else { ("is not", "is") };
            return Some(Finding::problem(
                Cause::PlainBesideSecure,
                format!(
                    "{name} {it_is} a secure node, and this one {this_is}: the two kinds never meet"
                ),
                "start both in one way: both with --network (or --trust), or both without",
            ));
        }
        if its_port != beacon_port {
            return Some(Finding::problem(
                Cause::OtherPort,
                format!(
                    "{name} sends its beacons to UDP port {its_port}, and this one to {beacon_port}"
                ),
                format!(
                    "give both the same: --port {its_port} here, or --port {beacon_port} there"
                ),
            ));
        }
        let answers = self.sightings.iter().any(|it| self.reach_of(it) == Some(&Reach::Answers));
        (is_secure && answers && !self.is_caller()).then(|| {
            Finding::problem(
                Cause::NotTrusted,
                format!("{name} is a secure node as well, and the two do not trust each other"),
                "let both join one network (zyre network join), or list the key of each in the file \
                 that the other has as --trust; zyre keys shows it",
            )
        })
    }

    fn is_caller(&self) -> bool {
        self.evidence.callers.contains(&self.id)
    }

    fn reach_of(&self, sighting: &Sighting) -> Option<&'a Reach> {
        self.evidence.reach.get(&sighting.at)
    }

    /// Its subnet is another one than that of this machine, on the same cable.
    fn mask(&self, now: Instant) -> Option<Finding> {
        let remedy = "give both machines the same netmask (the number after the /)";
        let name = &self.name;
        if let Some((word, from)) = self.word
            && let Some(&(its, its_bits)) = word.networks.iter().find(|(its, _)| *its == from)
        {
            let own = self.evidence.networks().find(|(own, bits)| {
                own.is_ipv4() && (is_near(*own, *bits, its) || is_near(its, its_bits, *own))
            });
            return own.filter(|(_, bits)| *bits != its_bits).map(|(own, bits)| {
                Finding::problem(
                    Cause::OtherMask,
                    format!(
                        "{name} has {its}/{its_bits}, and this machine {own}/{bits}: each sends its \
                         beacons to other addresses than the other listens to"
                    ),
                    remedy,
                )
            });
        }
        let v4 = self.sightings.iter().filter(|it| it.at.is_ipv4());
        let stranger = v4.clone().find(|it| {
            let ip = it.at.ip();
            !self.evidence.is_here(ip) && self.evidence.network_of(ip).is_none()
        });
        if let Some(stranger) = stranger.filter(|_| !self.is_limited_away()) {
            return Some(Finding::problem(
                Cause::OtherMask,
                format!(
                    "{name} is on the same cable, and {} belongs to no subnet of this machine",
                    stranger.at.ip()
                ),
                "give both machines addresses of one subnet, with the same netmask",
            ));
        }
        let mut v4 = v4.filter(|it| !self.evidence.is_here(it.at.ip()));
        let another = v4.any(|it| it.has_another_broadcast(now));
        another.then(|| {
            let what = format!(
                "{name} is heard only by what it sends to all hosts, and not by what it sends to its \
                 subnet: it seems to have another netmask"
            );
            if self.is_met() {
                let finding = Finding::note(Cause::OtherMask, what);
                return Finding { remedy: Some(remedy.to_owned()), ..finding };
            }
            Finding::problem(Cause::OtherMask, what, remedy)
        })
    }

    /// Whether the interface on which it is heard is not used because the user has said so.
    fn is_limited_away(&self) -> bool {
        self.evidence.is_limited
    }

    /// Of another doctor: whose beacons arrive.
    fn beacons(&self) -> Vec<Finding> {
        let Some((word, _)) = self.word.filter(|_| self.evidence.has_beacons) else {
            return Vec::new();
        };
        let (name, port) = (&self.name, self.evidence.beacon_port);
        let mut findings = Vec::new();
        if self.sightings.is_empty() {
            findings.push(Finding::problem(
                Cause::UdpDropped,
                format!("{name} is there, and its beacons do not arrive here"),
                format!(
                    "let UDP port {port} in through the firewall of this machine; if it is open, \
                     something between the two drops broadcasts: look at the switch, the access \
                     point, or the VPN. Without beacons: --require HOST:PORT, or --gossip-connect"
                ),
            ));
        }
        if !word.hears.contains(&self.evidence.own) {
            findings.push(Finding::problem(
                Cause::UdpDropped,
                format!("{name} is there, and the beacons of this machine do not arrive there"),
                format!(
                    "let UDP port {port} in through the firewall of that machine; if it is open, \
                     something between the two drops broadcasts"
                ),
            ));
        }
        findings
    }

    /// Which way connections get through.
    fn connections(&self) -> Vec<Finding> {
        let (there, how) = self.way_there();
        let back = self.way_back();
        let own_port = self.evidence.mailbox_port;
        let name = &self.name;
        let mut findings = Vec::new();
        if there == Way::Closed {
            let also = match back {
                Way::Open => {
                    ". It gets through to this one, so nodes of this library meet, and others do not"
                }
                _ => "",
            };
            let (how, port) =
                how.map_or(("no answer", 0), |(at, reach)| (reach.as_str(), at.port()));
            let cause = self.cause_of(how);
            findings.push(Finding::problem(
                cause,
                format!("connections to {name} do not get through: {how}{also}"),
                remedy(cause, port),
            ));
        }
        if back == Way::Closed {
            let also = match there {
                Way::Open => {
                    ". This one gets through to it, so nodes of this library meet, and others do not"
                }
                _ => "",
            };
            findings.push(Finding::problem(
                Cause::TcpInDropped,
                format!("connections from {name} do not get through to this machine{also}"),
                format!(
                    "let TCP port {own_port} and the next ones in through the firewall of this machine"
                ),
            ));
        }
        findings
    }

    fn cause_of(&self, how: &str) -> Cause {
        if how == Reach::NoRoute.as_str() {
            return Cause::NoRoute;
        }
        if how == Reach::Mute.as_str() || how == Reach::NoDescriptors.as_str() {
            return Cause::NoDescriptors;
        }
        Cause::TcpInDropped
    }

    /// Whether this machine gets through to it; and if not, where and how it has failed.
    fn way_there(&self) -> (Way, Option<(SocketAddr, &'a Reach)>) {
        let evidence = self.evidence;
        let places = self.sightings.iter().map(|it| it.at);
        let of_word = self.word.map(|(word, from)| SocketAddr::new(from, word.mailbox_port));
        let tried: Vec<(SocketAddr, &Reach)> =
            places.chain(of_word).filter_map(|at| Some((at, evidence.reach.get(&at)?))).collect();
        if self.is_met() || tried.iter().any(|(_, reach)| **reach == Reach::Answers) {
            return (Way::Open, None);
        }
        match tried.first() {
            Some(first) => (Way::Closed, Some(*first)),
            None => (Way::Unknown, None),
        }
    }

    /// Whether it gets through to this machine: it has, or says so, or was greeted and has not.
    fn way_back(&self) -> Way {
        if self.is_met() || self.is_caller() {
            return Way::Open;
        }
        if let Some((word, _)) = self.word {
            let own = |at: &SocketAddr| self.evidence.is_here(at.ip());
            let mut tried = word.reaches.iter().filter(|(at, _)| own(at)).map(|(_, how)| how);
            return match tried.next() {
                Some(how) if how == Reach::Answers.as_str() => Way::Open,
                Some(_) => Way::Closed,
                None => Way::Unknown,
            };
        }
        let (there, _) = self.way_there();
        if there == Way::Open { Way::Closed } else { Way::Unknown }
    }
}

/// Returns what to do about a connection that does not get through to a port.
fn remedy(cause: Cause, port: u16) -> String {
    match cause {
        Cause::NoRoute => {
            "give both machines addresses of one subnet, or routes to each other".into()
        }
        Cause::NoDescriptors => {
            "the program there hangs, or may open no more files: start it again \
                                 with a higher limit (ulimit -n 4096)"
                .into()
        }
        _ => format!(
            "let TCP port {port} and the next ones in through the firewall of that machine; if it is \
             open, start zyre doctor there as well"
        ),
    }
}
