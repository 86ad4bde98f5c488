//! Somebody in the middle of two secure nodes: what is replayed, glued, bent or left out ends the
//! connection, and nothing that was not said is heard.

#![cfg(test)]

mod common;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use common::{Member, soon};
use testkit::wire::{LONG, MORE, frame};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use zyre::{Content, Event, HostEndpoint, Identity, Node, Trust};

/// Bytes of a greeting.
const GREETING: usize = 64;

/// What is done to the frames that one node sends the other, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Deed {
    Nothing,
    /// A frame comes twice.
    Replay,
    /// One does not come: the one before a message's content, or that content.
    DropFirst,
    DropSecond,
    /// Two change places.
    Swap,
    /// Two are one.
    Glue,
    /// More is said to follow, outside of what is sealed.
    More,
    /// A bit of what is sealed is another.
    Flip,
    /// The last byte is missing.
    Cut,
    /// Something that is not sealed comes first.
    Plain,
}

const DEEDS: [Deed; 9] = [
    Deed::Replay,
    Deed::DropFirst,
    Deed::DropSecond,
    Deed::Swap,
    Deed::Glue,
    Deed::More,
    Deed::Flip,
    Deed::Cut,
    Deed::Plain,
];

type Frame = (u8, Vec<u8>);

impl Deed {
    /// What becomes of two frames, the header and the content of a message.
    fn of(self, header: Frame, content: Frame) -> Vec<Frame> {
        let (flags, mut body) = content.clone();
        match self {
            Self::Nothing => vec![header, content],
            Self::Replay => vec![header.clone(), header, content],
            Self::DropFirst => vec![content],
            Self::DropSecond => vec![header],
            Self::Swap => vec![content, header],
            Self::Glue => vec![(0, [header.1, body].concat())],
            Self::More => vec![header, (flags | MORE, body)],
            Self::Flip => {
                body[20] ^= 1;
                vec![header, (flags, body)]
            }
            Self::Cut => {
                body.pop();
                vec![header, (flags, body)]
            }
            Self::Plain => vec![(0, b"unsealed".to_vec()), header, content],
        }
    }
}

/// Somebody in the middle, who does one deed when told to.
struct Middle {
    at: SocketAddr,
    /// In the direction of the one that was connected to, and in the other one.
    deeds: [Arc<AtomicU8>; 2],
}

impl Middle {
    async fn before(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let deeds: [Arc<AtomicU8>; 2] = Default::default();
        let [there, back] = deeds.clone();
        tokio::spawn(async move {
            while let Ok((here, _)) = listener.accept().await {
                let Ok(beyond) = TcpStream::connect(target).await else { continue };
                let (read_here, write_here) = here.into_split();
                let (read_beyond, write_beyond) = beyond.into_split();
                tokio::spawn(pass(read_here, write_beyond, Arc::clone(&there)));
                tokio::spawn(pass(read_beyond, write_here, Arc::clone(&back)));
            }
        });
        Self { at, deeds }
    }
}

/// Passes on what comes, but for one deed.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, deed: Arc<AtomicU8>) -> Option<()> {
    let mut greeting = [0; GREETING];
    from.read_exact(&mut greeting).await.ok()?;
    to.write_all(&greeting).await.ok()?;
    loop {
        let first = read_frame(&mut from).await?;
        let mut frames = vec![first];
        let wanted = deed.load(Ordering::SeqCst);
        if let Some(wanted) = DEEDS.iter().find(|it| **it as u8 == wanted) {
            // The next two are a message with content: nobody says anything else meanwhile.
            let first = frames.remove(0);
            let second = read_frame(&mut from).await?;
            deed.store(Deed::Nothing as u8, Ordering::SeqCst);
            frames = wanted.of(first, second);
        }
        for (flags, body) in frames {
            to.write_all(&frame(flags & !LONG, &body)).await.ok()?;
        }
    }
}

async fn read_frame(from: &mut OwnedReadHalf) -> Option<Frame> {
    let flags = from.read_u8().await.ok()?;
    let length = if flags & LONG == 0 {
        u64::from(from.read_u8().await.ok()?)
    } else {
        from.read_u64().await.ok()?
    };
    let mut body = vec![0; usize::try_from(length).ok()?];
    from.read_exact(&mut body).await.ok()?;
    Some((flags, body))
}

/// Two that meet through the middle and in no other way.
async fn pair() -> (Member, Member, Middle) {
    let [a_keys, b_keys] = [(); 2].map(|()| Identity::create().unwrap());
    let keys = [a_keys.public_key(), b_keys.public_key()];
    // Nothing is asked for as long as a test may take.
    let calm = std::time::Duration::from_secs(60);
    let silent = || Node::builder().interface("lo").beacon(false).evasive_timeout(calm);
    let a = Member::start(silent().secure(a_keys, Trust::only([keys[1]]))).await;
    let b = Member::start(silent().secure(b_keys, Trust::only([keys[0]]))).await;
    let middle = Middle::before(a.node.endpoint().address()).await;
    let there: HostEndpoint = format!("tcp://{}|{}", middle.at, keys[0]).parse().unwrap();
    b.node.require_endpoint(there).unwrap();
    (a, b, middle)
}

/// All that is heard until the other has gone.
async fn heard_until_exit(member: &mut Member) -> Vec<Content> {
    let mut heard = Vec::new();
    loop {
        match member.next().await {
            Event::Whisper { content, .. } => heard.push(content),
            Event::Shout { content, .. } => panic!("nobody shouts, and {content:?} is heard"),
            Event::Exit { .. } => return heard,
            _ => {}
        }
    }
}

async fn endures(deed: Deed, direction: usize) {
    let (mut a, mut b, middle) = pair().await;
    a.enter(b.id()).await;
    b.enter(a.id()).await;
    let (speaker, hearer) = if direction == 0 { (&mut b, &mut a) } else { (&mut a, &mut b) };
    speaker.node.whisper(hearer.id(), "before").unwrap();
    assert_eq!(hearer.whisper(speaker.id()).await, "before".into());
    middle.deeds[direction].store(deed as u8, Ordering::SeqCst);
    for word in ["one", "two", "three"] {
        speaker.node.whisper(hearer.id(), word).unwrap();
    }
    let said: Vec<Content> = ["one", "two", "three"].map(Content::from).into();
    let heard = heard_until_exit(hearer).await;
    assert!(said.starts_with(&heard) && heard.len() < said.len(), "{deed:?}: {heard:?}");
    heard_until_exit(speaker).await;
    // And all is well again.
    hearer.enter(speaker.id()).await;
    speaker.enter(hearer.id()).await;
    speaker.node.whisper(hearer.id(), "after").unwrap();
    assert_eq!(hearer.whisper(speaker.id()).await, "after".into());
}

#[tokio::test]
async fn nothing_is_heard_that_was_not_said() {
    for deed in DEEDS {
        for direction in [0, 1] {
            println!("{deed:?} {direction}");
            endures(deed, direction).await;
        }
    }
}

#[tokio::test]
async fn who_only_passes_on_does_no_harm() {
    let (mut a, mut b, _middle) = pair().await;
    a.enter(b.id()).await;
    b.enter(a.id()).await;
    for number in 0..100 {
        let word = number.to_string();
        b.node.whisper(a.id(), word.as_str()).unwrap();
        assert_eq!(soon(a.whisper(b.id())).await, word.as_str().into());
    }
}
