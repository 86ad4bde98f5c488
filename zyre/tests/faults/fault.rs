//! What is asked of every fault: that the nodes find back to the truth, and how soon; that no
//! message was lost unseen, and no storm of HELLOs went over the network.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::node::Node;

/// The time for which the truth must hold, so that what comes late is not missed.
const CALM: Duration = Duration::from_secs(3);

/// Nodes shout this often, in ms, so that connections are in use when a fault comes.
const CHATTER: u64 = 100;

/// A fault, from before it begins until all is well again.
pub(crate) struct Fault {
    title: String,
    /// When it began.
    pub(crate) began: Instant,
    hellos: BTreeMap<String, u64>,
    /// The longest that a peer may not be heard when all is well.
    pub(crate) silence: Duration,
}

impl Fault {
    /// The nodes find each other and talk for a while. Then it is time for the fault.
    pub(crate) fn among(title: &str, nodes: &[&Node]) -> Self {
        let fault = Self::in_silence(title, nodes);
        talk(nodes);
        settle(&all(nodes), Instant::now(), Duration::from_secs(20), Some(fault.silence));
        Self { began: Instant::now(), ..fault }
    }

    /// The nodes find each other and say nothing.
    pub(crate) fn in_silence(title: &str, nodes: &[&Node]) -> Self {
        let mut fault = Self::new(title);
        settle(&all(nodes), Instant::now(), Duration::from_secs(20), None);
        fault.hellos = nodes.iter().map(|node| (node.id.clone(), hellos(node))).collect();
        fault.began = Instant::now();
        fault
    }

    /// A fault that is there before the nodes are.
    pub(crate) fn new(title: &str) -> Self {
        let silence = Duration::from_millis(1500);
        Self { title: title.to_owned(), began: Instant::now(), hellos: BTreeMap::new(), silence }
    }

    /// Waits while the fault lasts: how long it does is what is tested.
    pub(crate) fn lasts(&self, seconds: u64) {
        std::thread::sleep(Duration::from_secs(seconds));
    }

    /// The fault is over, since now. These are all nodes that live. Each of them must see and
    /// hear exactly the others within the bound.
    ///
    /// `storm` has for each node the number of peers that the fault has parted it from, and how
    /// many HELLOs it may have said to each of these.
    pub(crate) fn over(&self, nodes: &[&Node], bound: Duration, storm: (&[u64], u64)) {
        self.over_for(&all(nodes), bound, storm);
    }

    /// The same for nodes that do not all reach each other.
    pub(crate) fn over_for(&self, views: &[View<'_>], bound: Duration, storm: (&[u64], u64)) {
        let since = Instant::now();
        let nodes: Vec<_> = views.iter().map(|view| view.node).collect();
        talk(&nodes);
        let took = settle(views, since, bound, Some(self.silence));
        let (parted, most) = storm;
        let mut worst = 0.0_f64;
        for (node, parted) in nodes.iter().zip(parted) {
            let said = hellos(node) - self.hellos.get(&node.id).copied().unwrap_or(0);
            assert!(said <= parted * most, "{}: {} said {said} HELLOs", self.title, node.name);
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let each = said as f64 / (*parted).max(1) as f64;
            worst = worst.max(each);
        }
        println!(
            "faults: {:<34} well after {:5.1} s of {:2} s; HELLOs to a peer {worst:.1} of {most}{}",
            self.title,
            took.as_secs_f64(),
            bound.as_secs(),
            stories(&nodes, self.began),
        );
    }

    /// The events about one peer at another, in their order.
    pub(crate) fn events(&self, at: &Node, of: &str) -> Vec<String> {
        at.events(of, self.began).into_iter().map(|(_, event)| event).collect()
    }
}

/// Of these events those that are more than a guess: who comes and goes, and cannot be met.
pub(crate) fn changes(events: &[String]) -> Vec<&str> {
    let guess = |event: &&str| ["EVASIVE", "SILENT", "RETURNED"].contains(event);
    events.iter().map(String::as_str).filter(|event| !guess(event)).collect()
}

/// A peer was lost in this way, and met again when the fault was over. In between it may be told
/// that it cannot be met.
pub(crate) fn assert_lost_and_met_again(events: &[String], lost: &[&str]) {
    let (first, rest) = events.split_at(lost.len().min(events.len()));
    let (unreachable, last) = rest.split_at(rest.len().saturating_sub(2));
    assert_eq!(first, lost, "{events:?}");
    assert_eq!(last, ["ENTER", "JOIN"], "{events:?}");
    assert!(unreachable.iter().all(|event| event.starts_with("UNREACHABLE")), "{events:?}");
}

/// Lets the nodes shout from now on.
fn talk(nodes: &[&Node]) {
    for node in nodes {
        node.ask(&format!("chatter {CHATTER}"));
    }
}

fn hellos(node: &Node) -> u64 {
    node.ask("state")["hellos"].as_u64().unwrap()
}

/// A node, and those whom it must see.
pub(crate) struct View<'a> {
    pub(crate) node: &'a Node,
    pub(crate) others: Vec<&'a Node>,
}

/// All see all.
fn all<'a>(nodes: &[&'a Node]) -> Vec<View<'a>> {
    let others = |node: &Node| nodes.iter().copied().filter(|other| other.id != node.id).collect();
    nodes.iter().map(|node| View { node, others: others(node) }).collect()
}

/// Waits until all is well and stays so; returns how long it took until then.
fn settle(
    views: &[View<'_>],
    since: Instant,
    bound: Duration,
    silence: Option<Duration>,
) -> Duration {
    let mut well = None;
    loop {
        let state = views.iter().try_for_each(|view| view.is_true(silence));
        let changed = views.iter().filter_map(|view| view.node.last_change()).max();
        let now = Instant::now();
        if state.is_err() {
            well = None;
        } else {
            let from = well.get_or_insert(now);
            *from = changed.map_or(*from, |changed| changed.max(*from));
        }
        let took = well.unwrap_or(now).saturating_duration_since(since);
        if took > bound {
            let nodes: Vec<_> = views.iter().map(|view| view.node).collect();
            panic!("not well {took:?} after the fault: {state:?}{}", stories(&nodes, since));
        }
        if well.is_some_and(|from| now - from >= CALM) {
            return took;
        }
        // Between two looks, which are questions to all nodes.
        std::thread::sleep(Duration::from_millis(100));
    }
}

impl View<'_> {
    /// Whether the node, and the ledger of its application, know exactly these others and their
    /// groups, hold none of them to be quiet, and it has heard from each of them lately.
    fn is_true(&self, silence: Option<Duration>) -> Result<(), String> {
        let Self { node, others } = self;
        let name = &node.name;
        let state = node.ask("state");
        assert_eq!(state["wrong"], json!([]), "at {name}");
        let truth: Map<_, _> =
            others.iter().map(|other| (other.id.clone(), json!(*other.groups.borrow()))).collect();
        let truth = Value::Object(truth);
        if state["peers"] != truth {
            return Err(format!("{name} knows {}", state["peers"]));
        }
        if state["quiet"] != json!([]) {
            return Err(format!("{name} holds to be quiet {}", state["quiet"]));
        }
        let ledger = state["ledger"].as_object().unwrap();
        let groups = |(id, known): (&String, &Value)| (id.clone(), known["groups"].clone());
        if Value::Object(ledger.iter().map(groups).collect()) != truth {
            return Err(format!("the application of {name} knows {}", state["ledger"]));
        }
        if ledger.values().any(|known| known["quiet"] != json!(false)) {
            return Err(format!("the application of {name} was told {}", state["ledger"]));
        }
        let most = silence.map_or(u64::MAX, |time| u64::try_from(time.as_millis()).unwrap());
        let quiet = |known: &Value| known["silent"].as_u64().unwrap_or(u64::MAX);
        match others.iter().find(|other| quiet(&ledger[&other.id]) > most) {
            Some(other) => Err(format!("{name} has not heard {} for a while", other.name)),
            None => Ok(()),
        }
    }
}

/// What everybody has heard about others since then; nothing about those who heard nothing.
fn stories(nodes: &[&Node], since: Instant) -> String {
    let mut text = String::new();
    for node in nodes {
        for (peer, story) in node.stories(since) {
            let known = nodes.iter().find(|node| node.id == peer);
            let name = known.map_or("one that is gone", |node| &node.name);
            text += &format!("\n    {} of {name}:{story}", node.name);
        }
    }
    text
}
