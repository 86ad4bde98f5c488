//! How nodes start, and what they are told of others, then and later.

use rand::RngExt;
use serde_json::{Value, json};
use testkit::failure::Result;
use testkit::role;

use super::WorldRun;
use crate::world::member::Member;
use crate::world::node::ROLE;
use crate::world::options::Sabotage;
use crate::world::secrets::Secrets;
use crate::world::sources::{By, Contact, GOSSIP_PORT, MAILBOX_PORT, Sources};
use crate::world::ways::told;

impl WorldRun {
    /// Starts a node on a host, when the one before has left the ports that others know.
    pub(super) fn start(&mut self, place: usize) {
        if let Some(at) = self.leaving.iter().position(|(host, _)| *host == place)
            && (self.is_known_by_address(place) || self.sources(place).is_hub)
        {
            let (host, before) = self.leaving.remove(at);
            self.wait_for_end(host, before);
        }
        self.lives[place] += 1;
        let host = &self.topology.hosts[place];
        let name = format!("{}.{}", host.name, self.lives[place]);
        let stays = self.sabotage(place) == Some(Sabotage::Stay);
        let sources = self.sources(place);
        self.summary.begin(&sources);
        let settings = json!({
            "name": name,
            "seed": self.rng.random::<u64>(),
            "two_way": host.kind.is_two_way(),
            "mixed": self.guests.include_old(),
            "expired": self.options.expired,
            "log": self.options.logs.as_ref().map(|logs| logs.join(format!("{name}.log"))),
            "interface": if stays { "lo" } else { "*" },
            "beacon": sources.beacon,
            "mailbox": self.is_known_by_address(place).then_some(MAILBOX_PORT),
            "gossip_listen": sources.is_hub.then(|| format!("0.0.0.0:{GOSSIP_PORT}")),
            "gossip_connect": self.endpoints(&sources.hubs, GOSSIP_PORT),
            "require": self.required(place, &sources),
            "network": self.secrets.as_ref().map(Secrets::network),
            "identity": self.secrets.as_ref().map(|secrets| secrets.identity(place)),
        });
        match self.start_program(place, &settings) {
            Ok(member) => {
                self.names.insert(member.id.clone(), (name, member.kind));
                self.members.insert(place, member);
            }
            Err(error) => self.summary.wrong.push(format!("{name} does not start: {error}")),
        }
    }

    fn start_program(&self, place: usize, settings: &Value) -> Result<Member> {
        let host = &self.topology.hosts[place];
        let interface = &host.ports[0].name;
        let program = match self.guests.command(host.kind, interface, settings) {
            Some(program) => program,
            None => role::again(ROLE, settings)?,
        };
        let machine = self.machines.host(place);
        Member::start(machine, &self.transcript, host.kind, &program, settings)
    }

    /// What is wrong with the nodes on a host.
    fn sabotage(&self, place: usize) -> Option<Sabotage> {
        self.options.sabotage.filter(|_| place == 0)
    }

    /// How the node on a host finds others.
    fn sources(&self, place: usize) -> Sources {
        match self.sabotage(place) {
            None => self.topology.hosts[place].sources.clone(),
            // What it is told of it would dial, wherever it lives.
            Some(Sabotage::Stay) => Sources::default(),
            Some(Sabotage::ToldOfNobody) => Sources::none(),
        }
    }

    /// Whether others are told where the node on a host is, and not by its id: then it is always at
    /// one port.
    fn is_known_by_address(&self, place: usize) -> bool {
        let required = self.topology.hosts.iter().flat_map(|host| &host.sources.required);
        required.into_iter().any(|contact| contact.host == place && contact.by != By::Id)
    }

    /// Where these are, as far as that is told by an address or a name.
    fn endpoints(&self, contacts: &[Contact], port: u16) -> Vec<String> {
        let endpoint = |contact: &Contact| match contact.by {
            By::Id => None,
            By::Address => contact.address.map(|address| format!("tcp://{address}:{port}")),
            By::Name => Some(format!("{}:{port}", self.topology.hosts[contact.host].name)),
        };
        let whole = |contact: &Contact| Some(self.with_key(contact.host, endpoint(contact)?));
        contacts.iter().filter_map(whole).collect()
    }

    /// An endpoint on a host, with its key if there are any.
    fn with_key(&self, place: usize, endpoint: String) -> String {
        match &self.secrets {
            Some(secrets) => secrets.endpoint(place, &endpoint),
            None => endpoint,
        }
    }

    /// What a node on a host requires from the start.
    fn required(&self, place: usize, sources: &Sources) -> Vec<Value> {
        let known = self.known(place, sources).into_iter().map(|(id, at)| json!([id, at]));
        let endpoints =
            self.endpoints(&sources.required, MAILBOX_PORT).into_iter().map(Value::from);
        known.chain(endpoints).collect()
    }

    /// The nodes of which a node on a host is told by their ids, and where they are now.
    fn known(&self, place: usize, sources: &Sources) -> Vec<(String, String)> {
        let hosts = &self.topology.hosts;
        let others = self.members.iter().filter(|(other, _)| sources.tell_of(**other));
        let at = |(other, member): (&usize, &Member)| {
            let address = told(&hosts[place], &hosts[*other])?;
            Some((member.id.clone(), self.with_key(*other, member.endpoint(address))))
        };
        others.filter(|(other, _)| **other != place).filter_map(at).collect()
    }

    /// Tells each node whose contacts are told by id where those are now, if they have started or moved.
    pub(super) fn tell(&mut self) {
        let mut news = Vec::new();
        for place in self.members.keys().copied() {
            if self.topology.hosts[place].kind.is_ours() {
                news.push((place, self.known(place, &self.sources(place))));
            }
        }
        for (place, known) in news {
            let Some(member) = self.members.get_mut(&place) else { continue };
            for (id, endpoint) in known {
                // One that has died is found when it is asked.
                let _ = member.tell_of(&id, &endpoint);
            }
        }
    }
}
