//! What browsers follow: server-sent events.
//!
//! Every update is made once and shared by all. A browser that takes them too slowly misses some, is told how
//! many, and gets the whole picture: so one costs no more than the queue below and what the kernel holds.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Response, StatusCode};
use futures_core::Stream;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};
use tokio::time::{MissedTickBehavior, interval};

use super::answer::{answer, text};
use super::scene::Scene;
use crate::moment;

/// How often changes are told, and how many times rarer figures are.
const TICK: Duration = Duration::from_millis(250);
const FIGURES: u32 = 4;

/// How many updates may wait for a browser: four seconds.
const QUEUE: usize = 16;

/// How many browsers may follow at once.
const BROWSERS: usize = 32;

/// An update as it is sent.
#[derive(Clone)]
struct Frame {
    bytes: Bytes,
}

/// The one who makes updates, and all who follow.
pub(super) struct Broadcast {
    sender: broadcast::Sender<Frame>,
    browsers: Arc<AtomicUsize>,
    missed: Arc<AtomicU64>,
}

impl Default for Broadcast {
    fn default() -> Self {
        let (sender, _) = broadcast::channel(QUEUE);
        Self { sender, browsers: Arc::default(), missed: Arc::default() }
    }
}

impl Broadcast {
    /// Returns how many browsers follow.
    pub(super) fn browsers(&self) -> usize {
        self.browsers.load(Ordering::Relaxed)
    }

    /// Returns how many updates were missed by slow browsers.
    pub(super) fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }
}

/// Makes updates for ever.
pub(super) async fn publish(scene: Arc<Scene>, broadcast: Arc<Broadcast>) {
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut version, mut count) = (0, 0_u32);
    loop {
        tick.tick().await;
        count = count.wrapping_add(1);
        if broadcast.sender.receiver_count() == 0 {
            // The next browser begins with the whole picture.
            version = scene.look(|picture, _| picture.version());
            continue;
        }
        let figures = count % FIGURES == 0;
        if !figures && scene.look(|picture, _| picture.version()) == version {
            continue;
        }
        let (update, is_whole) = scene.delta(version, figures);
        version = update.version;
        let name = if is_whole { "picture" } else { "delta" };
        let bytes = frame(name, &update.json.to_string());
        // Nobody may follow any more.
        let _ = broadcast.sender.send(Frame { bytes });
    }
}

/// Returns an event; its data has no line ends.
fn frame(name: &str, data: &str) -> Bytes {
    format!("event: {name}\ndata: {data}\n\n").into()
}

/// Lets a browser follow.
pub(super) fn open(scene: Arc<Scene>, broadcast: &Broadcast) -> Response<Body> {
    let place = Place::take(&broadcast.browsers);
    let Some(place) = place else {
        return text(StatusCode::SERVICE_UNAVAILABLE, "too many browsers follow\n");
    };
    let (sender, receiver) = mpsc::channel(1);
    // Before the whole is made, so that nothing is missed between.
    let updates = broadcast.sender.subscribe();
    tokio::spawn(forward(scene, updates, broadcast.missed.clone(), sender, place));
    let body = Body::from_stream(Frames(receiver));
    answer(StatusCode::OK, "text/event-stream", body)
}

/// Hands updates to a browser as it takes them.
async fn forward(
    scene: Arc<Scene>,
    mut updates: broadcast::Receiver<Frame>,
    missed: Arc<AtomicU64>,
    browser: mpsc::Sender<Bytes>,
    _place: Place,
) {
    let whole = || frame("picture", &scene.whole().json.to_string());
    let mut next = whole();
    loop {
        if browser.send(next).await.is_err() {
            return;
        }
        next = match updates.recv().await {
            Ok(Frame { bytes }) => bytes,
            Err(RecvError::Closed) => return,
            Err(RecvError::Lagged(count)) => {
                missed.fetch_add(count, Ordering::Relaxed);
                let lost =
                    frame("lost", &format!("{{\"updates\":{count},\"at\":{}}}", moment::now()));
                if browser.send(lost).await.is_err() {
                    return;
                }
                updates = updates.resubscribe();
                whole()
            }
        };
    }
}

/// The place of a browser among those that may follow.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(browsers: &Arc<AtomicUsize>) -> Option<Self> {
        let more = |count| (count < BROWSERS).then_some(count + 1);
        let taken = browsers.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        taken.ok().map(|_| Self(browsers.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The frames for a browser, as a body.
struct Frames(mpsc::Receiver<Bytes>);

impl Stream for Frames {
    type Item = Result<Bytes, std::convert::Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|frame| frame.map(Ok))
    }
}
