//! Tickets: given in HELLO to each peer alone, and to nobody else.

use zre_proto::message::{Command, Hello, Message};
use zre_proto::ticket::HEADER;
use zre_proto::{Action, ActionError, Config, ConnId, Event, Input, MessageLimits, Output, Ticket};

use crate::common::{endpoint, id};
use crate::solo::{Solo, hello};
use crate::two_way::WAYS;

/// A node that gives tickets.
fn giver() -> Solo {
    let mut solo = Solo::new();
    solo.act(Action::GiveTickets).unwrap();
    solo
}

const fn ticket(number: u8) -> Ticket {
    Ticket::new([number; 16])
}

fn supply(solo: &mut Solo, conn: ConnId, number: u8) {
    solo.handle(Input::Ticket { conn, ticket: ticket(number) });
}

/// The values of the header in the HELLO that was sent last.
fn told(solo: &mut Solo) -> Vec<String> {
    let hellos = solo.outputs().into_iter().filter_map(|output| match output {
        Output::Send { header, .. } => Some(header),
        _ => None,
    });
    let header = hellos.last().unwrap();
    let message = Message::decode(&header, &MessageLimits::default()).unwrap();
    let Command::Hello(hello) = message.command else { panic!("{message:?}") };
    let tickets = hello.headers.iter().filter(|(name, _)| *name == HEADER.as_bytes());
    tickets.map(|(_, value)| String::from_utf8(value.to_vec()).unwrap()).collect()
}

/// Node `n` is dialled and reached, with this ticket for it.
fn reach(solo: &mut Solo, n: u8, number: u8) {
    solo.beacon(n);
    let conn = solo.link(n);
    supply(solo, conn, number);
    solo.up(n);
}

#[test]
fn each_peer_is_given_the_ticket_of_its_connection() {
    let mut solo = giver();
    for n in [2, 3] {
        reach(&mut solo, n, n);
        assert_eq!(told(&mut solo), [format!("0{n}").repeat(16)]);
        assert_eq!(solo.engine.ticket_for(id(n)), Some(ticket(n)));
    }
    assert_eq!(solo.engine.ticket_for(id(4)), None);
}

#[test]
fn so_it_is_on_a_connection_of_both_whoever_has_dialled() {
    for way in WAYS {
        let mut solo = giver();
        // The number of the connection that will be made.
        for conn in [ConnId::Dialled(1), ConnId::Accepted(1)] {
            supply(&mut solo, conn, 7);
        }
        way(&mut solo);
        assert_eq!(told(&mut solo), ["07".repeat(16)]);
        assert_eq!(solo.engine.ticket_for(id(2)), Some(ticket(7)));
    }
}

#[test]
fn a_scout_gives_one_as_well() {
    let mut solo = giver();
    let action = Action::RequireEndpoint { endpoint: endpoint(2).into(), peer: None };
    solo.act(action).unwrap();
    let conn = solo.scout_at(endpoint(2));
    supply(&mut solo, conn, 5);
    solo.scout_up(endpoint(2));
    assert_eq!(told(&mut solo), ["05".repeat(16)]);
    solo.hello(2);
    assert_eq!(solo.engine.ticket_for(id(2)), Some(ticket(5)));
}

#[test]
fn a_ticket_ends_with_its_connection() {
    let mut solo = giver();
    reach(&mut solo, 2, 1);
    solo.hello(2);
    assert_eq!(solo.engine.ticket_for(id(2)), Some(ticket(1)));
    solo.lost(2);
    assert_eq!(solo.engine.ticket_for(id(2)), None);
    solo.mailbox_lost(2);
    solo.wait(1_000);
    reach(&mut solo, 2, 2);
    assert_eq!(solo.engine.ticket_for(id(2)), Some(ticket(2)));
}

#[test]
fn without_the_action_nobody_is_given_one() {
    let mut solo = Solo::new();
    reach(&mut solo, 2, 1);
    assert!(told(&mut solo).is_empty());
    assert_eq!(solo.engine.ticket_for(id(2)), None);
}

#[test]
fn a_header_of_the_application_is_no_ticket() {
    let mut solo = giver();
    solo.act(Action::SetHeader { name: HEADER, value: "mine" }).unwrap();
    reach(&mut solo, 2, 1);
    assert_eq!(told(&mut solo), ["01".repeat(16)]);
}

#[test]
fn what_a_peer_gives_is_known_to_the_engine_and_not_told() {
    let mut solo = Solo::new();
    let (at, given) = (endpoint(2).to_string(), "0a".repeat(16));
    let headers = vec![(&b"X-OTHER"[..], &b"value"[..]), (HEADER.as_bytes(), given.as_bytes())];
    solo.beacon(2);
    solo.hello_with(2, &Hello { headers: headers.clone(), ..hello(&at) });
    assert_eq!(solo.engine.ticket_from(id(2)), None, "it is not present yet");
    solo.up(2);
    assert_eq!(solo.engine.ticket_from(id(2)), Some(Ticket::new([10; 16])));
    let entered = solo.outputs().into_iter().find_map(|output| match output {
        Output::Event(Event::Enter { headers, .. }) => Some(headers),
        _ => None,
    });
    let info = solo.engine.peer(id(2)).unwrap();
    for known in [entered.unwrap(), info.headers] {
        assert_eq!(known.keys().collect::<Vec<_>>(), ["X-OTHER"]);
    }
    // With the next HELLO there is another one, or none.
    solo.hello(2);
    assert_eq!(solo.engine.ticket_from(id(2)), None);
}

#[test]
fn what_is_no_ticket_is_neither_taken_nor_told() {
    let mut solo = Solo::new();
    let at = endpoint(2).to_string();
    let headers = vec![(HEADER.as_bytes(), &b"0A"[..])];
    solo.hello_with(2, &Hello { headers, ..hello(&at) });
    solo.up(2);
    assert_eq!(solo.engine.ticket_from(id(2)), None);
    assert!(solo.engine.peer(id(2)).unwrap().headers.is_empty());
}

#[test]
fn a_ticket_needs_room_in_hello() {
    let config = |entries, bytes| {
        let message_limits = MessageLimits { entries, bytes };
        Solo::with(Config { message_limits, ..Config::new(id(1), endpoint(1)) })
    };
    let mut solo = config(2, 2_000);
    solo.act(Action::GiveTickets).unwrap();
    solo.act(Action::GiveTickets).unwrap();
    let refused = solo.act(Action::SetHeader { name: "X", value: "y" });
    assert_eq!(refused, Err(ActionError::TooManyEntries { limit: 2 }));
    let least = (550..750).find(|bytes| config(9, *bytes).act(Action::GiveTickets).is_ok());
    let least = least.unwrap();
    let mut small = config(9, least - 1);
    let too_large = Err(ActionError::HelloTooLarge { limit: least - 1 });
    assert_eq!(small.act(Action::GiveTickets), too_large);
    reach(&mut small, 2, 1);
    assert!(told(&mut small).is_empty(), "what was refused is not done");
}
