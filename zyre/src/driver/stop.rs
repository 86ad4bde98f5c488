//! How a node ends.

use std::sync::Arc;
use std::time::Duration;

use zmtp::net::Outbox;
use zre_proto::{Action, Engine, Input};

use super::Driver;
use crate::link::Link;

/// How long `stop` waits for links to send what was accepted.
const FLUSH: Duration = Duration::from_secs(1);

/// Between the last message and the goodbye beacon: a peer that reads the beacon first would
/// drop what is still on its way by TCP.
const LAST_WORDS: Duration = Duration::from_millis(10);

/// Between the goodbye beacon and the end of the links: a peer that sees the links end first takes
/// it for a crash.
const GOODBYE: Duration = Duration::from_millis(5);

impl Driver {
    /// Stops the node: sends what was accepted for up to a second, says goodbye, closes all.
    /// Once begun it goes on, whether or not anybody waits.
    pub(crate) async fn stop(self: &Arc<Self>) {
        if self.handle(Input::Action(Action::Stop)).is_ok() {
            self.runtime.spawn(Arc::clone(self).flush_and_end());
        }
        let mut ended = self.ended.subscribe();
        // The sender lives in self.
        let _ = ended.wait_for(|ended| *ended).await;
    }

    async fn flush_and_end(self: Arc<Self>) {
        let outboxes = self.present();
        let present = !outboxes.is_empty();
        let flushed = async {
            for outbox in outboxes {
                outbox.drained().await;
            }
        };
        if tokio::time::timeout(FLUSH, flushed).await.is_err() {
            tracing::debug!(node = %self.ask(Engine::id), "some peers did not take all");
        }
        if present {
            tokio::time::sleep(LAST_WORDS).await;
        }
        self.say_goodbye();
        if present {
            tokio::time::sleep(GOODBYE).await;
        }
        self.log.finish().await;
        self.end();
    }

    /// Stops the node now, from any thread, with or without a runtime: says goodbye, and writes
    /// what the kernel takes at once. The links end a little later, or with the runtime.
    pub(crate) fn stop_now(self: &Arc<Self>) {
        if self.handle(Input::Action(Action::Stop)).is_ok() {
            for outbox in self.present() {
                // What cannot be written is lost with the node.
                let _ = outbox.flush();
            }
            self.say_goodbye();
            self.events.close();
            let driver = Arc::clone(self);
            self.runtime.spawn(async move {
                tokio::time::sleep(GOODBYE).await;
                driver.end();
            });
        }
    }

    /// Ends the node without a word.
    pub(crate) fn abort(self: &Arc<Self>) {
        // A node that is stopping already ends a little earlier.
        let _ = self.handle(Input::Action(Action::Stop));
        self.end();
    }

    /// The outboxes of the peers that the application knows.
    fn present(&self) -> Vec<Outbox> {
        let core = self.lock();
        let known = |link: &&Link| core.engine.peer(link.peer).is_some();
        core.links.values().filter(known).map(|link| link.outbox.clone()).collect()
    }

    fn say_goodbye(&self) {
        if let Err(error) = self.announcer().goodbye() {
            tracing::debug!(%error, "goodbye beacon not sent");
        }
    }

    fn end(&self) {
        let mut core = self.lock();
        for link in std::mem::take(&mut core.links).into_values() {
            link.close();
        }
        for task in std::mem::take(&mut core.conns).into_values() {
            task.abort();
        }
        for task in core.tasks.drain(..) {
            task.abort();
        }
        drop(core);
        self.events.close();
        self.ended.send_replace(true);
    }
}
