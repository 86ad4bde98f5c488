//! What frames cost, without sockets: `cargo bench -p zyre-zmtp --bench connection`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot go on may panic")]

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use zmtp::{Config, Connection, Encoder, Event, Output, SocketType};

/// Messages in one buffer: about what one read brings.
const MANY: usize = 1000;

/// The header of a WHISPER.
const HEAD: [u8; 6] = [0xAA, 0xA1, 2, 2, 0, 1];

/// A DEALER's encoder and the ROUTER that reads what it writes.
fn ready() -> (Encoder, Connection) {
    let now = Instant::now();
    let dealer = Config::new(SocketType::Dealer).with_identity("dealer");
    let mut dealer = Connection::new(&dealer, now);
    let mut router = Connection::new(&Config::new(SocketType::Router), now);
    let Ok(Some(Output::Transmit(opening))) = dealer.poll_output() else { panic!("nothing") };
    router.receive_buffer().extend_from_slice(&opening);
    let Ok(Some(Output::Transmit(opening))) = router.poll_output() else { panic!("nothing") };
    dealer.receive_buffer().extend_from_slice(&opening);
    let Ok(Some(Output::Event(Event::Ready(..)))) = router.poll_output() else {
        panic!("not ready")
    };
    let Ok(Some(Output::Event(Event::Ready(_, encoder)))) = dealer.poll_output() else {
        panic!("not ready")
    };
    (encoder, router)
}

fn connection(criterion: &mut Criterion) {
    let (mut encoder, mut router) = ready();
    let mut group = criterion.benchmark_group("zmtp");
    group.throughput(Throughput::Elements(MANY as u64));
    for size in [32, 1024] {
        let content = [Bytes::from(vec![7; size])];
        let mut wire = BytesMut::new();
        group.bench_function(format!("encode {MANY} messages of {size} B"), |bencher| {
            bencher.iter(|| {
                wire.clear();
                (0..MANY).for_each(|_| encoder.encode(&HEAD, &content, &mut wire));
            });
        });
        group.bench_function(format!("decode {MANY} messages of {size} B"), |bencher| {
            let work = |bytes: BytesMut| {
                *router.receive_buffer() = bytes;
                let mut seen = 0;
                while let Some(output) = router.poll_output().unwrap() {
                    let Output::Event(Event::Message(message)) = output else {
                        panic!("no message")
                    };
                    seen += message.len();
                }
                assert_eq!(seen, 2 * MANY);
            };
            bencher.iter_batched(|| wire.clone(), work, BatchSize::SmallInput);
        });
    }
    group.finish();
}

criterion_group!(benches, connection);
criterion_main!(benches);
