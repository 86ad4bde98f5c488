//! Who leads, on real sockets.

#![cfg(test)]

mod common;

use common::{Member, free_port, on, soon};
use zyre::{Event, PeerId};

/// Nodes 1 to 3, lowest first, that contest in `g` and have agreed.
async fn agreed() -> Vec<Member> {
    let port = free_port();
    let mut members = Vec::new();
    for n in [3, 1, 2] {
        let builder = on(port).id(PeerId::new([n; 16])).contest("g");
        members.push(Member::start(builder).await);
    }
    members.sort_by_key(Member::id);
    let lowest = members[0].id();
    for member in &mut members {
        leads(member, Some(lowest)).await;
    }
    members
}

/// Waits until a node is told that this one leads.
async fn leads(member: &mut Member, wanted: Option<PeerId>) {
    let own = member.id();
    let told = |event| match event {
        Event::Leader { group, leader, mine } if &*group == "g" => {
            assert_eq!(mine, leader == Some(own));
            (leader == wanted).then_some(())
        }
        _ => None,
    };
    member.pick(&format!("{wanted:?} as leader"), told).await;
}

/// The next leaders that a node is told of.
async fn next_two(member: &mut Member) -> [Option<PeerId>; 2] {
    let mut told = [None; 2];
    for told in &mut told {
        let leader = |event| match event {
            Event::Leader { leader, .. } => Some(leader),
            _ => None,
        };
        *told = member.pick("a leader", leader).await;
    }
    told
}

#[tokio::test]
async fn when_the_leader_stops_or_is_killed_the_others_have_the_next_one() {
    for kill in [false, true] {
        let mut members = agreed().await;
        let first = members.remove(0);
        if kill {
            first.node.abort();
        } else {
            soon(first.node.stop()).await;
        }
        let next = members[0].id();
        for member in &mut members {
            assert_eq!(next_two(member).await, [None, Some(next)], "kill: {kill}");
            assert_eq!(member.node.leader("g"), Some(next));
        }
    }
}

#[tokio::test]
async fn a_node_that_contests_while_it_runs_is_known_and_one_that_leaves_leads_no_more() {
    let port = free_port();
    let mut low = Member::start(on(port).id(PeerId::new([1; 16])).join("g")).await;
    let mut high = Member::start(on(port).id(PeerId::new([2; 16])).contest("g")).await;
    let (low_id, high_id) = (low.id(), high.id());
    leads(&mut low, Some(high_id)).await;
    leads(&mut high, Some(high_id)).await;
    low.node.contest("g").unwrap();
    leads(&mut low, Some(low_id)).await;
    leads(&mut high, Some(low_id)).await;
    assert_eq!(high.node.leader("g"), Some(low_id));
    low.node.leave("g").unwrap();
    assert_eq!(low.node.leader("g"), None);
    assert_eq!(next_two(&mut high).await, [None, Some(high_id)]);
    leads(&mut low, None).await;
    let stats = high.node.stats().protocol;
    assert_eq!((stats.leaders_disputed, stats.unused), (0, 0));
}

#[tokio::test]
async fn one_that_does_not_contest_is_told_who_leads_and_one_outside_is_not() {
    let port = free_port();
    let leader = Member::start(on(port).contest("g")).await;
    let mut member = Member::start(on(port).join("g")).await;
    let mut other = Member::start(on(port).join("h")).await;
    leads(&mut member, Some(leader.id())).await;
    let mut joined = false;
    while !joined {
        let event = other.next().await;
        assert!(!matches!(event, Event::Leader { .. }), "{event:?}");
        joined = matches!(event, Event::Join { peer, .. } if peer == leader.id());
    }
    assert_eq!(other.node.leader("g"), None);
}
