//! The receiving half of a connection, and remotes that do with it what they want.

#![cfg(feature = "net")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{pause, resume, timeout};
use zmtp::net::{Error, Established, Listener, ListenerLimits, Reader};
use zmtp::{Config, Limits, Message, SocketType};

use common::{command, dealer, frame, opening, router, soon};

/// A bare connection of a remote that opens as `theirs` does, and our end of it.
async fn bare(ours: Config, theirs: &Config) -> (TcpStream, Established) {
    let limits = ListenerLimits::default();
    let length = opening(&ours).len();
    let mut listener = Listener::bind(([127, 0, 0, 1], 0).into(), ours, limits).await.unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    stream.write_all(&opening(theirs)).await.unwrap();
    let accepted = soon(listener.accept()).await;
    soon(stream.read_exact(&mut vec![0; length])).await.unwrap();
    (stream, accepted)
}

/// The one frame of the next message; `None` at the end.
async fn receive(reader: &mut Reader) -> Result<Option<Vec<u8>>, Error> {
    soon(async {
        loop {
            if let Some(message) = reader.next()? {
                let [frame] = message.frames() else { panic!("{message:?}") };
                return Ok(Some(frame.to_vec()));
            }
            if !reader.fill().await? {
                return Ok(None);
            }
        }
    })
    .await
}

#[tokio::test]
async fn other_limits_hold_for_what_has_come_and_was_not_taken() {
    let (mut stream, accepted) = bare(router(), &dealer()).await;
    let mut reader = accepted.reader;
    let both = [frame(0, &[1; 10]), frame(0, &[2; 10]), frame(0, &[3; 11])].concat();
    stream.write_all(&both).await.unwrap();
    assert_eq!(receive(&mut reader).await.unwrap(), Some(vec![1; 10]));
    reader.set_limits(Limits { frame: 10, ..Limits::default() });
    assert_eq!(receive(&mut reader).await.unwrap(), Some(vec![2; 10]));
    for _ in 0..2 {
        let error = receive(&mut reader).await.unwrap_err();
        let expected = zmtp::Error::FrameTooLarge { announced: 11, limit: 10 };
        assert!(matches!(&error, Error::Protocol(error) if *error == expected), "{error:?}");
    }
}

/// A message of frames of these sizes, as bytes.
fn message(sizes: &[usize]) -> Vec<u8> {
    let last = sizes.len() - 1;
    let flags = |at: usize, size: usize| u8::from(at < last) | if size > 255 { 2 } else { 0 };
    let frames = sizes.iter().enumerate();
    frames.flat_map(|(at, &size)| frame(flags(at, size), &vec![at as u8; size])).collect()
}

#[tokio::test]
async fn a_pair_is_a_short_head_and_a_small_body() {
    let limits = Limits { frame: 5000, message: 4500, frames: 3, ..Limits::default() };
    let (mut stream, accepted) = bare(router().with_limits(limits), &dealer()).await;
    let mut reader = accepted.reader;
    let messages: [(&[usize], bool); 9] = [
        (&[6, 32], true),
        (&[0, 0], true),
        (&[63, 4033], true),
        (&[64, 10], false),
        (&[6, 4091], false),
        (&[6], false),
        (&[6, 32, 1], false),
        (&[300, 32], false),
        (&[7, 1], true),
    ];
    for (sizes, is_pair) in messages {
        let bytes = message(sizes);
        let (first, rest) = bytes.split_at(bytes.len() - 1);
        stream.write_all(first).await.unwrap();
        assert!(soon(reader.fill()).await.unwrap());
        assert!(reader.next_pair().is_none(), "{sizes:?} is not complete");
        stream.write_all(rest).await.unwrap();
        let message = soon(async {
            loop {
                match reader.next_pair() {
                    Some(pair) if is_pair => return pair.into(),
                    pair => assert!(pair.is_none(), "{sizes:?}"),
                }
                // Where the first frame was taken, it is no pair any more.
                if !is_pair && let Some(message) = reader.next().unwrap() {
                    return message;
                }
                assert!(reader.fill().await.unwrap());
            }
        })
        .await;
        let expected: Message =
            sizes.iter().enumerate().map(|(at, &size)| vec![at as u8; size].into()).collect();
        assert_eq!(message, expected);
    }
}

#[tokio::test]
async fn a_pair_keeps_the_limits() {
    for (limits, is_error) in [
        (Limits { frames: 1, ..Limits::default() }, true),
        (Limits { message: 37, ..Limits::default() }, true),
        (Limits { frame: 31, ..Limits::default() }, true),
        (Limits { frames: 2, message: 38, frame: 32, ..Limits::default() }, false),
    ] {
        let (mut stream, accepted) = bare(router().with_limits(limits.clone()), &dealer()).await;
        let mut reader = accepted.reader;
        stream.write_all(&message(&[6, 32])).await.unwrap();
        let had = soon(async {
            while reader.fill().await.unwrap() {
                if reader.next_pair().is_some() {
                    return true;
                }
                if reader.next().is_err() {
                    return false;
                }
            }
            panic!("it has ended");
        });
        assert_eq!(had.await, !is_error, "{limits:?}");
    }
}

#[tokio::test]
async fn the_beginning_of_a_message_survives_a_pause() {
    let (mut stream, accepted) = bare(router(), &dealer()).await;
    let mut reader = accepted.reader;
    let last: Vec<u8> = (0..2000_u32).map(|n| n as u8).collect();
    let last = frame(2, &last);
    let writing = async {
        for n in 0..20 {
            stream.write_all(&frame(2, &[n; 50_000])).await.unwrap();
        }
        stream.write_all(&last[..1000]).await.unwrap();
    };
    let reading = async {
        for n in 0..20 {
            assert_eq!(receive(&mut reader).await.unwrap(), Some(vec![n; 50_000]));
        }
    };
    tokio::join!(writing, reading);
    // The connection becomes a quiet one, and its buffer a small one.
    let quiet = async {
        loop {
            assert_eq!(reader.next().unwrap(), None);
            assert!(reader.fill().await.unwrap(), "it is not the end");
        }
    };
    pause();
    assert!(timeout(Duration::from_secs(1), quiet).await.is_err());
    resume();
    stream.write_all(&last[1000..]).await.unwrap();
    assert_eq!(receive(&mut reader).await.unwrap().as_deref(), Some(&last[9..]));
}

#[tokio::test]
async fn a_reset_is_an_error_behind_all_that_was_received() {
    let (mut stream, accepted) = bare(router(), &dealer()).await;
    let mut reader = accepted.reader;
    for n in 0..3 {
        stream.write_all(&frame(2, &[n; 20_000])).await.unwrap();
        assert_eq!(receive(&mut reader).await.unwrap(), Some(vec![n; 20_000]));
    }
    // A process that ends with unread bytes resets its connections; so does this.
    accepted.queue.push(b"never read", &[]).unwrap();
    assert!(accepted.queue.flush().unwrap());
    soon(stream.readable()).await.unwrap();
    drop(stream);
    let error = receive(&mut reader).await.unwrap_err();
    let Error::Io(error) = error else { panic!("{error:?}") };
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn who_asks_for_messages_is_not_given_subscriptions() {
    let theirs = Config::new(SocketType::XSub);
    let (mut stream, accepted) = bare(Config::new(SocketType::XPub), &theirs).await;
    let mut reader = accepted.reader;
    let subscribe = [command("SUBSCRIBE", b"a"), command("CANCEL", b"a")].concat();
    stream.write_all(&[subscribe.clone(), frame(0, b"up"), subscribe].concat()).await.unwrap();
    drop(stream);
    assert_eq!(receive(&mut reader).await.unwrap(), Some(b"up".to_vec()));
    assert_eq!(receive(&mut reader).await.unwrap(), None);
}

#[tokio::test]
async fn a_handshake_without_end_is_one_without_a_limit_of_time() {
    let limits = Limits { handshake_time: Duration::MAX, ..Limits::default() };
    let ours = router().with_limits(limits);
    let (mut stream, accepted) = bare(ours, &dealer()).await;
    let mut reader = accepted.reader;
    stream.write_all(&frame(0, b"a")).await.unwrap();
    assert_eq!(receive(&mut reader).await.unwrap(), Some(b"a".to_vec()));
}
