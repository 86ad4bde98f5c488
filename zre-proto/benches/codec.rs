//! What reading and writing one header frame costs: `cargo bench -p zre-proto --bench codec`.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use zre_proto::MessageLimits;
use zre_proto::message::{Command, Hello, Message};

/// A node that is in ten groups and says ten things about itself.
fn hello() -> Command<'static> {
    Command::Hello(Hello {
        endpoint: b"tcp://192.168.100.107:49152",
        groups: vec![b"a group with a name"; 10],
        status: 10,
        name: b"a node with a name",
        headers: vec![(b"X-HEADER", b"a value that says something"); 10],
    })
}

fn codec(criterion: &mut Criterion) {
    let messages = [
        ("whisper", Command::Whisper),
        ("shout", Command::Shout { group: b"CHAT" }),
        ("hello", hello()),
    ];
    let limits = MessageLimits::default();
    for (name, command) in messages {
        let message = Message { sequence: 1000, command };
        let header = message.encode();
        criterion.bench_function(&format!("encode {name}"), |bencher| {
            bencher.iter(|| black_box(&message).encode());
        });
        criterion.bench_function(&format!("decode {name}"), |bencher| {
            bencher.iter(|| Message::decode(black_box(&header), &limits).map(|m| m.sequence));
        });
    }
}

criterion_group!(benches, codec);
criterion_main!(benches);
