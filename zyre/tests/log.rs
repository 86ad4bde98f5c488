//! The log: what a node tells collectors, and what it costs it if they are slow, odd or gone.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use common::{DEADLINE, Member, free_port, on, soon, until, until_some};
use socket2::{Domain, Socket, Type};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use zmtp::net::{Subscriber, SubscriberLimits};
use zre_proto::log::{HEADER, Log, LogEvent, correlation_id};
use zyre::{Builder, Level, Node};

/// Long enough for what must not come.
const QUIET: Duration = Duration::from_millis(200);

/// A place for lines, and a node that announces it.
struct Collector {
    lines: Subscriber,
    member: Member,
}

async fn subscriber(address: SocketAddr, prefix: &[u8]) -> Subscriber {
    // Its port may not be free again at once.
    let bind =
        async || Subscriber::bind(address, &[prefix], SubscriberLimits::default()).await.ok();
    until_some("a port that is free again", bind).await
}

fn any() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

fn announcing(builder: Builder, address: SocketAddr) -> Builder {
    builder.header(HEADER, format!("tcp://{address}"))
}

impl Collector {
    async fn start(port: u16) -> Self {
        let lines = subscriber(any(), b"").await;
        let builder = announcing(on(port).name("collector"), lines.local_addr().unwrap());
        Self { lines, member: Member::start(builder).await }
    }

    async fn next(&mut self) -> Log {
        let (_, message) = soon(self.lines.recv()).await;
        let [frame] = message.frames() else { panic!("{message:?}") };
        Log::decode(frame).unwrap()
    }

    /// The next line like that; those before it are dropped.
    async fn line(&mut self, node: &Node, event: LogEvent, data: &str) -> Log {
        let node = id(node);
        let wanted = async {
            loop {
                let line = self.next().await;
                if (line.node, line.event, line.data.as_str()) == (node, event, data) {
                    return line;
                }
            }
        };
        let wanted = tokio::time::timeout(DEADLINE / 2, wanted).await;
        wanted.unwrap_or_else(|_| panic!("no line {event} {data}"))
    }

    /// Nothing comes.
    async fn quiet(&mut self) {
        let came = tokio::time::timeout(QUIET, self.next()).await;
        assert!(came.is_err(), "{came:?}");
    }
}

fn id(node: &Node) -> u16 {
    correlation_id(&node.endpoint().to_string())
}

async fn watched(node: &Node, collectors: usize) {
    until("it has its collectors", || node.stats().log.collectors == collectors).await;
}

#[cfg(feature = "files")]
#[tokio::test]
async fn files_in_lines() {
    let port = free_port();
    let home = tempfile::tempdir().unwrap();
    let folder = |name: &str| home.path().join(name);
    let mut collector = Collector::start(port).await;
    let sender = on(port).name("s").logging(Level::Info).share(folder("s"), folder("s in"));
    let mut sender = Member::start(sender).await;
    let receiver = on(port).name("r").logging(Level::Info).share(folder("r"), folder("r in"));
    let receiver = Member::start(receiver).await;
    sender.enter(receiver.id()).await;
    std::fs::write(folder("a.bin"), vec![7; 3_000_000]).unwrap();
    sender.node.publish(folder("a.bin")).await.unwrap();
    // Whoever tells its line last.
    let (mut confirmed, mut delivered) = (None, None);
    while confirmed.is_none() || delivered.is_none() {
        let line = soon(collector.next()).await;
        match (line.node == id(&sender.node), line.data.as_str()) {
            (true, "confirmed 3000000 bytes: /a.bin") => confirmed = Some(line),
            (false, "delivered 3000000 bytes: /a.bin") => delivered = Some(line),
            _ => {}
        }
    }
    let (confirmed, delivered) = (confirmed.unwrap(), delivered.unwrap());
    assert_eq!((confirmed.peer, confirmed.event), (id(&receiver.node), LogEvent::None));
    assert_eq!((delivered.peer, delivered.node), (id(&sender.node), id(&receiver.node)));
}

#[tokio::test]
async fn a_life_in_lines_with_the_right_ids() {
    let port = free_port();
    let mut collector = Collector::start(port).await;
    let a = Member::start(on(port).name("a").logging(Level::Info)).await;
    let mut b = Member::start(on(port).name("b").join("early")).await;
    b.enter(a.id()).await;
    b.node.join("chat").unwrap();
    b.node.leave("chat").unwrap();
    let peer = id(&b.node);
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    for (event, data) in [
        (LogEvent::Enter, "b"),
        (LogEvent::Join, "early"),
        (LogEvent::Join, "chat"),
        (LogEvent::Leave, "chat"),
    ] {
        let line = collector.line(&a.node, event, data).await;
        assert_eq!((line.peer, line.level), (peer, Level::Info));
        assert!(now.abs_diff(line.time) <= DEADLINE.as_secs());
    }
    a.node.join("own").unwrap();
    a.node.join("own").unwrap();
    a.node.leave("own").unwrap();
    a.node.leave("own").unwrap();
    a.node.log(Level::Error, "the disk is full");
    for (level, event, data) in [
        (Level::Info, LogEvent::Join, "own"),
        (Level::Info, LogEvent::Leave, "own"),
        (Level::Error, LogEvent::None, "the disk is full"),
    ] {
        let line = collector.next().await;
        assert_eq!((line.level, line.event, line.data.as_str()), (level, event, data));
        assert_eq!((line.node, line.peer), (id(&a.node), 0));
    }
    b.node.stop().await;
    let exit = collector.line(&a.node, LogEvent::Exit, "goodbye").await;
    assert_eq!((exit.peer, exit.level), (peer, Level::Info));
    let (node, own) = (a.node.clone(), id(&a.node));
    node.stop().await;
    let last = collector.next().await;
    assert_eq!((last.node, last.data.as_str()), (own, "stopped"));
    assert_eq!(node.stats().log.dropped, 0);
}

#[tokio::test]
async fn a_crash_is_a_warning() {
    let port = free_port();
    let mut collector = Collector::start(port).await;
    let a = Member::start(on(port).name("a").logging(Level::Warning)).await;
    let mut b = Member::start(on(port).name("b")).await;
    b.enter(a.id()).await;
    watched(&a.node, 1).await;
    let peer = id(&b.node);
    b.node.abort();
    let line = collector.next().await;
    assert_eq!((line.level, line.event, line.peer), (Level::Warning, LogEvent::Exit, peer));
    assert_eq!(line.data, "link lost", "and ENTER was not recorded");
}

#[tokio::test]
async fn it_is_switched_off_and_on() {
    let port = free_port();
    let mut collector = Collector::start(port).await;
    let mut a = Member::start(on(port).name("a")).await;
    a.enter(collector.member.id()).await;
    collector.quiet().await;
    assert_eq!(a.node.stats().log, zyre::LogStats::default());

    a.node.set_logging(Some(Level::Info));
    a.node.log(Level::Info, "on");
    collector.line(&a.node, LogEvent::None, "on").await;
    let (mut b, peer) = {
        let b = Member::start(on(port).name("b")).await;
        let peer = id(&b.node);
        (b, peer)
    };
    b.enter(a.id()).await;
    assert_eq!(collector.line(&a.node, LogEvent::Enter, "b").await.peer, peer);

    a.node.set_logging(None);
    watched(&a.node, 0).await;
    b.node.join("unheard").unwrap();
    a.node.log(Level::Error, "unheard");
    assert_eq!(a.join(b.id()).await, "unheard");
    collector.quiet().await;

    // It knows who is there, though nothing was recorded meanwhile.
    a.node.set_logging(Some(Level::Info));
    b.node.join("heard").unwrap();
    assert_eq!(collector.line(&a.node, LogEvent::Join, "heard").await.peer, peer);
    a.node.set_logging(Some(Level::Error));
    a.node.log(Level::Warning, "not urgent");
    a.node.log(Level::Error, "urgent");
    assert_eq!(collector.next().await.data, "urgent");
}

#[tokio::test]
async fn messages_are_recorded_if_that_is_wanted() {
    let port = free_port();
    let mut collector = Collector::start(port).await;
    let mut a = Member::start(on(port).name("a").logging(Level::Info).join("g")).await;
    let mut b = Member::start(on(port).name("b").join("g")).await;
    let (a_id, b_id, peer) = (a.id(), b.id(), id(&b.node));
    b.enter(a_id).await;
    b.join(a_id).await;
    a.join(b_id).await;
    a.node.whisper(b_id, "unrecorded").unwrap();
    a.node.set_log_messages(true);
    a.node.whisper(b_id, "secret").unwrap();
    a.node.shout("g", "secret").unwrap();
    let send = collector.line(&a.node, LogEvent::Send, "WHISPER b").await;
    assert_eq!((send.peer, send.level), (peer, Level::Info));
    assert_eq!(collector.line(&a.node, LogEvent::Send, "SHOUT g").await.peer, 0);
    b.node.whisper(a_id, "secret").unwrap();
    b.node.shout("g", "secret").unwrap();
    assert_eq!(collector.line(&a.node, LogEvent::Recv, "WHISPER b").await.peer, peer);
    assert_eq!(collector.line(&a.node, LogEvent::Recv, "SHOUT g").await.peer, peer);
    a.node.set_log_messages(false);
    a.node.whisper(b_id, "unrecorded").unwrap();
    b.node.whisper(a_id, "unrecorded").unwrap();
    a.shout(b_id).await;
    a.whisper(b_id).await;
    collector.quiet().await;
}

#[tokio::test]
async fn lines_wait_for_a_collector_and_for_its_return() {
    let port = free_port();
    let a = Member::start(on(port).name("a").logging(Level::Info)).await;
    a.node.log(Level::Info, "before");
    let mut collector = Collector::start(port).await;
    collector.line(&a.node, LogEvent::None, "before").await;
    watched(&a.node, 1).await;

    // The process of the collector ends, and a new one takes its place.
    let address = collector.lines.local_addr().unwrap();
    let Collector { lines, member } = collector;
    member.node.abort();
    drop(lines);
    watched(&a.node, 0).await;
    a.node.log(Level::Info, "meanwhile");
    let lines = subscriber(address, b"").await;
    let member = Member::start(announcing(on(port).name("again"), address)).await;
    let mut collector = Collector { lines, member };
    collector.line(&a.node, LogEvent::Exit, "link lost").await;
    collector.line(&a.node, LogEvent::None, "meanwhile").await;
    collector.line(&a.node, LogEvent::Enter, "again").await;

    // Only its socket ends.
    collector.lines = {
        drop(collector.lines);
        subscriber(address, b"").await
    };
    until("lines come again", || {
        a.node.log(Level::Info, "again");
        let mut next = std::pin::pin!(collector.lines.recv());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        next.as_mut().poll(&mut context).is_ready()
    })
    .await;
}

#[tokio::test]
async fn only_what_a_collector_wants_is_sent() {
    let port = free_port();
    let mut lines = subscriber(any(), &Level::Error.prefix()).await;
    let builder = announcing(on(port), lines.local_addr().unwrap());
    let _errors = Member::start(builder).await;
    let mut all = Collector::start(port).await;
    let a = Member::start(on(port).name("a").logging(Level::Info)).await;
    watched(&a.node, 2).await;
    a.node.log(Level::Info, "info");
    a.node.log(Level::Warning, "warning");
    a.node.log(Level::Error, "error");
    let (_, message) = soon(lines.recv()).await;
    assert_eq!(Log::decode(&message.frames()[0]).unwrap().data, "error");
    for data in ["info", "warning", "error"] {
        all.line(&a.node, LogEvent::None, data).await;
    }
}

/// A SUB that wants everything and reads nothing.
async fn one_that_does_not_read() -> (TcpListener, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    // Connections inherit it: so little fits into the kernel.
    socket.set_recv_buffer_size(4096).unwrap();
    socket.bind(&any().into()).unwrap();
    socket.listen(8).unwrap();
    socket.set_nonblocking(true).unwrap();
    let listener = TcpListener::from_std(socket.into()).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[tokio::test]
async fn a_collector_that_does_not_read_slows_nobody() {
    let port = free_port();
    let (listener, address) = one_that_does_not_read().await;
    let _slow = Member::start(announcing(on(port).name("slow"), address)).await;
    let mut collector = Collector::start(port).await;
    let mut a = Member::start(on(port).name("a").logging(Level::Info)).await;
    let (mut stream, _) = soon(listener.accept()).await.unwrap();
    let config = zmtp::Config::new(zmtp::SocketType::Sub);
    let mut sub = zmtp::Connection::new(&config, std::time::Instant::now());
    while let Ok(Some(zmtp::Output::Transmit(bytes))) = sub.poll_output() {
        stream.write_all(&bytes).await.unwrap();
    }
    stream.write_all(b"\0\x01\x01").await.unwrap();
    let mut b = Member::start(on(port).name("b")).await;
    let (a_id, b_id) = (a.id(), b.id());
    b.enter(a_id).await;
    a.enter(b_id).await;
    watched(&a.node, 2).await;
    let text = "x".repeat(255);
    let filling = async {
        let mut round = 0;
        while a.node.stats().log.dropped == 0 {
            for _ in 0..500 {
                a.node.log(Level::Info, &*text);
            }
            // Everybody else goes on as ever.
            a.node.whisper(b_id, round.to_string()).unwrap();
            assert_eq!(b.whisper(a_id).await.to_text(), round.to_string());
            for _ in 0..500 {
                collector.line(&a.node, LogEvent::None, &text).await;
            }
            round += 1;
        }
    };
    soon(filling).await;
    a.node.log(Level::Info, "done");
    collector.line(&a.node, LogEvent::None, "done").await;
    assert!(a.node.peers().contains(&b_id));
    let stopping = std::time::Instant::now();
    a.node.stop().await;
    assert!(stopping.elapsed() < Duration::from_secs(5), "nobody is waited for");
}

#[tokio::test]
async fn a_header_of_garbage_is_ignored() {
    let port = free_port();
    let a = Member::start(on(port).name("a").logging(Level::Info)).await;
    let own = a.node.endpoint().to_string();
    let long = "tcp://".repeat(2000);
    let values = ["", "nonsense", "tcp://", "tcp://*:1", "tcp://127.0.0.1:0", "tcp://8.8.8.8:53"];
    let mut others = Vec::new();
    for value in values.into_iter().chain([&*own, &*long, "tcp://127.0.0.1:99999", "\u{1b}[2J"]) {
        let mut other = Member::start(on(port).header(HEADER, value)).await;
        other.enter(a.id()).await;
        others.push(other);
    }
    until("all are there", || a.node.peers().len() == others.len()).await;
    // All of them were looked at by the time that this one is known.
    let mut collector = Collector::start(port).await;
    collector.line(&a.node, LogEvent::Enter, "collector").await;
    watched(&a.node, 1).await;
}

#[tokio::test]
async fn a_door_that_is_not_for_it_does_no_harm() {
    let port = free_port();
    let mut victim = Member::start(on(port).name("victim")).await;
    let a = Member::start(on(port).name("a").logging(Level::Info)).await;
    victim.enter(a.id()).await;
    // The mailbox of another node.
    let address = victim.node.endpoint().address();
    let mut liar = Member::start(announcing(on(port).name("liar"), address)).await;
    liar.enter(a.id()).await;
    let mut collector = Collector::start(port).await;
    collector.line(&a.node, LogEvent::Enter, "collector").await;
    watched(&a.node, 2).await;
    a.node.whisper(victim.id(), "alive").unwrap();
    assert_eq!(victim.whisper(a.id()).await.to_text(), "alive");
    a.node.log(Level::Info, "alive");
    collector.line(&a.node, LogEvent::None, "alive").await;
    until("it was tried", || victim.node.stats().network.handshakes_failed >= 1).await;
}

#[tokio::test]
async fn once_for_two_peers_with_one_endpoint_and_until_both_are_gone() {
    let port = free_port();
    let mut collector = Collector::start(port).await;
    let address = collector.lines.local_addr().unwrap();
    let twin = Member::start(announcing(on(port).name("twin"), address)).await;
    let mut a = Member::start(on(port).name("a").logging(Level::Info)).await;
    let (collector_id, twin_id) = (collector.member.id(), twin.id());
    until("both are known", || a.node.peers().len() == 2).await;
    watched(&a.node, 1).await;
    a.node.log(Level::Info, "once");
    collector.line(&a.node, LogEvent::None, "once").await;
    collector.quiet().await;
    collector.member.node.stop().await;
    a.exit(collector_id).await;
    a.node.log(Level::Info, "still");
    collector.line(&a.node, LogEvent::None, "still").await;
    twin.node.stop().await;
    a.exit(twin_id).await;
    watched(&a.node, 0).await;
    a.node.log(Level::Info, "gone");
    collector.quiet().await;
}

#[tokio::test]
async fn collectors_are_bounded() {
    let port = free_port();
    let a = Member::start(on(port).name("a").logging(Level::Info)).await;
    let mut collectors = Vec::new();
    for _ in 0..18 {
        collectors.push(Collector::start(port).await);
    }
    until("all are known", || a.node.peers().len() == 18).await;
    watched(&a.node, 16).await;
}

#[cfg(feature = "tracing-layer")]
#[tokio::test]
async fn tracing_events_travel_as_lines() {
    use tracing_subscriber::layer::SubscriberExt;

    let port = free_port();
    let mut collector = Collector::start(port).await;
    let a = Member::start(on(port).name("a").logging(Level::Info)).await;
    watched(&a.node, 1).await;
    let subscriber = tracing_subscriber::registry().with(a.node.tracing_layer());
    tracing::subscriber::with_default(subscriber, || {
        tracing::debug!("too little");
        tracing::warn!(target: "zyre::driver", "what the library says");
        tracing::info!(target: "app", free = 17, "the disk is {} full", "nearly");
        tracing::warn!(target: "app", "more");
        tracing::error!(target: "app", "{}", "ä".repeat(500));
    });
    let mut heard = Vec::new();
    while heard.len() < 3 {
        let line = collector.next().await;
        if line.event == LogEvent::None {
            assert_eq!((line.node, line.peer), (id(&a.node), 0));
            heard.push((line.level, line.data));
        }
    }
    let all = [
        (Level::Info, "app: the disk is nearly full free=17".to_owned()),
        (Level::Warning, "app: more".to_owned()),
        (Level::Error, format!("app: {}", "ä".repeat(125))),
    ];
    assert_eq!(heard, all, "and nothing else");
}
