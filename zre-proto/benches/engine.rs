//! What the engine does for one message: `cargo bench -p zre-proto --bench engine`.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on may panic")]

use std::net::SocketAddr;
use std::time::Instant;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use zre_proto::message::{Command, Hello, Message};
use zre_proto::{Action, Config, ConnId, Content, Endpoint, Engine, Header, Input, Output, PeerId};

/// Whispers in a row, so that what is prepared for them is not what is measured.
const ROW: u16 = 1000;

fn id(n: u8) -> PeerId {
    PeerId::new([n; 16])
}

fn endpoint(n: u8) -> Endpoint {
    Endpoint::new(SocketAddr::from(([10, 0, 0, n], 49152)))
}

/// Takes out all that the engine wants done.
fn drain(engine: &mut Engine) -> usize {
    std::iter::from_fn(|| engine.poll_output()).count()
}

fn message(engine: &mut Engine, now: Instant, peer: u8, header: &[u8], content: Content) {
    let source = endpoint(peer).address();
    let conn = ConnId::Accepted(peer.into());
    engine.handle(now, Input::Message { peer: id(peer), conn, source, header, content });
}

/// A node that has met `peers` others, who are all in one group.
fn node(now: Instant, peers: u8) -> Engine {
    let mut engine = Engine::new(Config::new(id(255), endpoint(255))).unwrap();
    for peer in 1..=peers {
        let candidate = Input::Candidate { peer: id(peer), endpoint: endpoint(peer) };
        engine.handle(now, candidate);
        while let Some(output) = engine.poll_output() {
            if let Output::Connect { peer, conn, .. } = output {
                let own_endpoint = endpoint(255);
                engine.handle(now, Input::Connected { peer, conn, two_way: false, own_endpoint });
            }
        }
        let address = format!("tcp://{}", endpoint(peer).address());
        let hello = Hello {
            endpoint: address.as_bytes(),
            groups: vec![b"CHAT"],
            status: 1,
            name: b"peer",
            headers: vec![],
        };
        let hello = Message { sequence: 1, command: Command::Hello(hello) }.encode();
        message(&mut engine, now, peer, &hello, Content::none());
        drain(&mut engine);
    }
    assert_eq!(engine.peers_in("CHAT").count(), usize::from(peers));
    engine
}

fn engine(criterion: &mut Criterion) {
    let now = Instant::now();
    let content = Content::from(&[7; 32]);

    let headers: Vec<Header> = (2..2 + ROW)
        .map(|sequence| Message { sequence, command: Command::Whisper }.encode())
        .collect();
    let mut group = criterion.benchmark_group("engine");
    group.throughput(Throughput::Elements(ROW.into()));
    for peers in [1, 50] {
        group.bench_function(format!("whisper in, of {peers} peers"), |bencher| {
            let setup = || node(now, peers);
            let work = |mut engine: Engine| {
                for header in &headers {
                    message(&mut engine, now, 1, header, content.clone());
                    assert_eq!(drain(&mut engine), 1);
                }
                engine
            };
            bencher.iter_batched(setup, work, BatchSize::SmallInput);
        });
    }
    group.throughput(Throughput::Elements(1));
    for peers in [1, 50] {
        let mut engine = node(now, peers);
        group.bench_function(format!("shout out, to {peers} peers"), |bencher| {
            bencher.iter(|| {
                let content = content.clone();
                engine.act(now, Action::Shout { group: "CHAT", content }).unwrap();
                assert_eq!(drain(&mut engine), usize::from(peers));
            });
        });
    }
    group.finish();
}

criterion_group!(benches, engine);
criterion_main!(benches);
