//! Nodes in programs without async code, and what becomes of a node whose runtime is of no use.

#![cfg(test)]

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use common::{DEADLINE, Member, free_port, on};
use testkit::wait::blocking_until;
use tokio::runtime::{Builder as Runtimes, Runtime};
use zyre::{ActionError, Event, Events, ExitReason, Node, PeerId, StartError, TryRecvError};

/// Longer than it takes to find out that a runtime does nothing.
const LONG: Duration = Duration::from_secs(10);

/// Waits for an event of which `pick` makes something.
fn wait<T>(events: &mut Events, mut pick: impl FnMut(Event) -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if let Some(picked) = pick(events.recv_timeout(left).unwrap()) {
            return picked;
        }
    }
}

fn enter(event: Event) -> Option<PeerId> {
    match event {
        Event::Enter { peer, .. } => Some(peer),
        _ => None,
    }
}

/// What a panic says; `None` if there is none.
fn panic_of<T>(what: impl FnOnce() -> T) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(what)).err()?;
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
}

#[test]
fn threads_are_enough() {
    let port = free_port();
    let (alice, mut to_alice) = on(port).name("alice").join("g").start_blocking().unwrap();
    let (bob, mut to_bob) = on(port).join("g").start_blocking().unwrap();
    assert_eq!(wait(&mut to_alice, enter), bob.id());
    assert_eq!(wait(&mut to_bob, enter), alice.id());
    bob.blocking_ready(alice.id(), 5).unwrap();
    bob.whisper(alice.id(), "hello").unwrap();
    let content = wait(&mut to_alice, |event| match event {
        Event::Whisper { content, .. } => Some(content.to_text()),
        _ => None,
    });
    assert_eq!(content, "hello");
    alice.blocking_ready_in("g", 5).unwrap();
    // From any thread, and the last word arrives.
    let alice_id = alice.id();
    let said = thread::spawn(move || {
        alice.shout("g", "bye").unwrap();
        alice.blocking_stop();
        alice.blocking_stop();
        assert_eq!(alice.shout("g", "too late"), Err(ActionError::Stopped));
    });
    wait(&mut to_bob, |event| matches!(event, Event::Shout { .. }).then_some(()));
    let why = wait(&mut to_bob, |event| match event {
        Event::Exit { peer, reason, .. } if peer == alice_id => Some(reason),
        _ => None,
    });
    assert_eq!(why, ExitReason::Goodbye);
    said.join().unwrap();
    while to_alice.blocking_recv().is_some() {}
    assert_eq!(to_alice.try_recv(), Err(TryRecvError::Stopped));
    // Also if it is only dropped.
    drop(bob);
    while to_bob.blocking_recv().is_some() {}
}

#[test]
fn what_cannot_start_says_so() {
    let error = Node::builder().interface("nowhere0").start_blocking().unwrap_err();
    assert!(matches!(error, StartError::NoInterface { .. }), "{error:?}");
}

/// A node on a runtime.
fn node_on(runtime: &Runtime) -> (Node, Events) {
    runtime.block_on(on(free_port()).join("g").start()).unwrap()
}

fn check_has_stopped(node: &Node, events: &mut Events) {
    blocking_until("it has stopped", || node.shout("g", "x") == Err(ActionError::Stopped));
    assert_eq!(node.join("h"), Err(ActionError::Stopped));
    assert_eq!(node.blocking_ready_in("g", 1), Err(ActionError::Stopped));
    assert_eq!(events.blocking_recv(), Some(Event::Stop));
    assert_eq!(events.blocking_recv(), None);
    assert_eq!(events.recv_timeout(LONG), Err(TryRecvError::Stopped));
    node.blocking_stop();
}

#[test]
fn a_node_stops_with_its_runtime() {
    let current = || Runtimes::new_current_thread().enable_all().build().unwrap();
    for runtime in [Runtime::new().unwrap(), current()] {
        let (node, mut events) = node_on(&runtime);
        drop(runtime);
        check_has_stopped(&node, &mut events);
    }
    for runtime in [Runtime::new().unwrap(), current()] {
        let (node, mut events) = node_on(&runtime);
        runtime.shutdown_background();
        check_has_stopped(&node, &mut events);
    }
    // While a thread waits for an event, and others see it go.
    let port = free_port();
    let (_peer, mut to_peer) = on(port).start_blocking().unwrap();
    let runtime = Runtime::new().unwrap();
    let (node, mut events) = runtime.block_on(on(port).start()).unwrap();
    assert_eq!(wait(&mut to_peer, enter), node.id());
    let waiting = thread::spawn(move || while events.blocking_recv().is_some() {});
    drop(runtime);
    waiting.join().unwrap();
    wait(&mut to_peer, |event| matches!(event, Event::Exit { .. }).then_some(()));
}

#[test]
fn a_node_that_is_stopping_ends_with_its_runtime() {
    let port = free_port();
    let runtime = Runtime::new().unwrap();
    let (_peer, mut to_peer) = on(port).start_blocking().unwrap();
    let (node, mut events) = runtime.block_on(on(port).start()).unwrap();
    wait(&mut to_peer, enter);
    let stopping = {
        let node = node.clone();
        thread::spawn(move || node.blocking_stop())
    };
    blocking_until("it is stopping", || node.join("g") == Err(ActionError::Stopped));
    drop(runtime);
    stopping.join().unwrap();
    while events.blocking_recv().is_some() {}
}

#[test]
fn a_runtime_without_sockets_or_clocks_is_a_panic_with_the_reason() {
    let without_io = Runtimes::new_current_thread().enable_time().build().unwrap();
    let without_time = Runtimes::new_current_thread().enable_io().build().unwrap();
    for (runtime, reason) in [(without_io, "enable_io"), (without_time, "enable_time")] {
        for beacon in [true, false] {
            let start = || runtime.block_on(on(free_port()).beacon(beacon).start()).map(drop);
            let said = panic_of(start).unwrap();
            assert!(said.contains(reason), "{said}");
        }
    }
}

/// A node on a current-thread runtime that nobody drives.
fn undriven() -> (Runtime, Node, Events) {
    let runtime = Runtimes::new_current_thread().enable_all().build().unwrap();
    let (node, events) = node_on(&runtime);
    (runtime, node, events)
}

#[test]
fn a_runtime_that_nobody_drives_is_told() {
    let reason = "current-thread runtime that no thread drives";
    let (_runtime, node, mut events) = undriven();
    assert_eq!(events.recv_timeout(LONG), Err(TryRecvError::NotDriven));
    assert!(TryRecvError::NotDriven.to_string().contains(reason));
    assert_eq!(events.recv_timeout(Duration::ZERO), Err(TryRecvError::NotDriven));
    let said = panic_of(|| events.blocking_recv()).unwrap();
    assert!(said.contains(reason), "{said}");
    let said = panic_of(|| node.blocking_stop()).unwrap();
    assert!(said.contains(reason), "{said}");
    // Who polls, and who only sends.
    let (_runtime, node, mut events) = undriven();
    blocking_until("it is told", || events.try_recv() == Err(TryRecvError::NotDriven));
    blocking_until("it is told", || node.shout("g", "x") == Err(ActionError::NotDriven));
    // It is no end: when it is driven it works.
    let port = free_port();
    let (peer, mut to_peer) = on(port).start_blocking().unwrap();
    let runtime = Runtimes::new_current_thread().enable_all().build().unwrap();
    let (node, mut events) = runtime.block_on(on(port).start()).unwrap();
    assert_eq!(events.recv_timeout(LONG), Err(TryRecvError::NotDriven));
    thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
    wait(&mut to_peer, enter);
    let mut entered = false;
    blocking_until("it hears", || {
        entered |= matches!(events.try_recv(), Ok(Event::Enter { .. }));
        entered
    });
    node.whisper(peer.id(), "x").unwrap();
}

#[test]
fn a_runtime_that_is_driven_and_idle_is_not_mistaken_for_one_that_is_not() {
    let runtime = Runtimes::new_current_thread().enable_all().build().unwrap();
    let (node, mut events) = node_on(&runtime);
    thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
    assert_eq!(events.recv_timeout(Duration::from_secs(4)), Err(TryRecvError::Empty));
    node.shout("g", "x").unwrap();
    node.blocking_stop();
}

#[test]
fn what_blocks_panics_in_async_code_as_in_tokio() {
    let said = |what: &str, said: Option<String>| {
        let said = said.unwrap_or_else(|| panic!("{what} does not panic"));
        assert!(said.contains("Cannot block the current thread from within a runtime"), "{said}");
    };
    for runtime in
        [Runtime::new().unwrap(), Runtimes::new_current_thread().enable_all().build().unwrap()]
    {
        runtime.block_on(async {
            let mut one = Member::start(on(free_port())).await;
            let node = one.node.clone();
            said("blocking_recv", panic_of(|| one.events.blocking_recv()));
            said("recv_timeout", panic_of(|| one.events.recv_timeout(LONG)));
            said("blocking_ready", panic_of(|| node.blocking_ready(node.id(), 1)));
            said("blocking_ready_in", panic_of(|| node.blocking_ready_in("g", 1)));
            said("blocking_stop", panic_of(|| node.blocking_stop()));
            said("start_blocking", panic_of(|| on(free_port()).start_blocking()));
            #[cfg(feature = "files")]
            {
                said("publish", panic_of(|| node.publish("/").blocking()));
                said("blocking_retract", panic_of(|| node.blocking_retract("/x")));
            }
            // Where tokio lets threads wait, they do.
            let waited =
                tokio::task::spawn_blocking(move || one.events.recv_timeout(Duration::ZERO));
            assert_eq!(waited.await.unwrap(), Err(TryRecvError::Empty));
            node.stop().await;
        });
    }
}

#[test]
#[cfg(feature = "files")]
fn files_are_shared_without_async_code() {
    let folder = tempfile::tempdir().unwrap();
    let (source, received) = (folder.path().join("talk.pdf"), folder.path().join("received"));
    std::fs::write(&source, "slides").unwrap();
    let port = free_port();
    let (alice, _to_alice) = on(port).publishing().start_blocking().unwrap();
    let (_bob, mut to_bob) = on(port).receive(&received).start_blocking().unwrap();
    assert_eq!(alice.publish(&source).blocking().unwrap(), "/talk.pdf");
    let error = alice.publish(folder.path().join("none")).blocking().unwrap_err();
    assert!(error.to_string().contains("none"), "{error}");
    let path = wait(&mut to_bob, |event| match event {
        Event::Deliver { path, .. } => Some(path),
        _ => None,
    });
    assert_eq!(std::fs::read_to_string(path).unwrap(), "slides");
    assert!(alice.blocking_retract("/talk.pdf").unwrap());
    wait(&mut to_bob, |event| matches!(event, Event::Retract { .. }).then_some(()));
    assert!(!alice.blocking_retract("/talk.pdf").unwrap());
}

#[test]
fn a_thread_that_waits_is_woken() {
    let port = free_port();
    let (node, mut events) = on(port).start_blocking().unwrap();
    let (tell, told) = channel();
    let waiting = thread::spawn(move || {
        while let Some(event) = events.blocking_recv() {
            let _ = tell.send(event);
        }
    });
    let (peer, _to_peer) = on(port).start_blocking().unwrap();
    let entered = told.recv_timeout(DEADLINE).unwrap();
    assert_eq!(enter(entered), Some(peer.id()));
    drop(node);
    waiting.join().unwrap();
}
