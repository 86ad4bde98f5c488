//! How a node ends.

use std::sync::Arc;

use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::timeout;
use zmtp::net::SendQueue;
use zre_proto::driver_times::{
    FLUSH_TIMEOUT, MAX_FLUSH_TIME, MAX_LINGER_TIME, PAUSE_AFTER_GOODBYE, PAUSE_BEFORE_GOODBYE,
};
use zre_proto::{Action, ConnId, Engine};

use super::Driver;

impl Driver {
    /// Stops the node: sends what was accepted to each peer that takes some of it every second, says
    /// goodbye, and closes everything.
    /// Once begun it goes on, whether or not the future is polled.
    pub(crate) async fn stop(self: &Arc<Self>) {
        if self.act(Action::Stop).is_ok() {
            self.note_change();
            self.runtime.spawn(Arc::clone(self).flush_and_end());
        }
        let mut ended = self.ended.subscribe();
        // The sender lives in self.
        let _ = ended.wait_for(|ended| *ended).await;
    }

    async fn flush_and_end(self: Arc<Self>) {
        let queues = self.finish_queues();
        let present = !queues.is_empty();
        if timeout(MAX_FLUSH_TIME, flush(queues)).await.is_err() {
            tracing::debug!(node = %self.ask(Engine::id), "some peers did not take all");
        }
        if present {
            tokio::time::sleep(PAUSE_BEFORE_GOODBYE).await;
        }
        self.say_goodbye();
        if present {
            tokio::time::sleep(PAUSE_AFTER_GOODBYE).await;
        }
        self.log.drain().await;
        self.linger().await;
        self.end();
    }

    /// Stops the node now, from any thread, with or without a runtime: says goodbye, and writes
    /// what the kernel takes at once. The links end a little later, or with the runtime.
    pub(crate) fn stop_now(self: &Arc<Self>) {
        if self.act(Action::Stop).is_ok() {
            self.note_change();
            for queue in self.finish_queues() {
                // What cannot be written is lost with the node.
                let _ = queue.flush();
            }
            self.say_goodbye();
            self.events.close();
            let driver = Arc::clone(self);
            self.runtime.spawn(async move {
                tokio::time::sleep(PAUSE_AFTER_GOODBYE).await;
                driver.linger().await;
                driver.end();
            });
        }
    }

    /// Ends the node without a goodbye.
    pub(crate) fn abort(self: &Arc<Self>) {
        self.abort_connections();
        // A node that is stopping already ends a little earlier.
        let _ = self.act(Action::Stop);
        self.end();
    }

    fn abort_connections(&self) {
        let connections = std::mem::take(&mut self.core.lock().conns);
        connections.values().for_each(|open| open.task.abort());
    }

    /// The queues on which something was said. Nothing more is accepted, and when they are empty
    /// the other ends see the end.
    fn finish_queues(&self) -> Vec<SendQueue> {
        let core = self.core.lock();
        let queue = |conn: &ConnId| core.conns.get(conn)?.queue.clone();
        let queues: Vec<SendQueue> = core.greeted().iter().filter_map(queue).collect();
        queues.iter().for_each(SendQueue::finish);
        queues
    }

    /// Waits until the others have closed their ends: then they have all that was sent.
    async fn linger(&self) {
        let mut tasks: Vec<JoinHandle<()>> = {
            let mut core = self.core.lock();
            let greeted = core.greeted();
            greeted.iter().filter_map(|conn| Some(core.conns.remove(conn)?.task)).collect()
        };
        let ended = async {
            for task in &mut tasks {
                // A task that has panicked has ended as well.
                let _ = task.await;
            }
        };
        if timeout(MAX_LINGER_TIME, ended).await.is_err() {
            tasks.iter().for_each(JoinHandle::abort);
        }
    }

    fn say_goodbye(&self) {
        self.location().goodbye();
    }

    fn end(&self) {
        self.abort_connections();
        // Not under the lock: what a task holds may want it.
        let tasks = std::mem::take(&mut self.core.lock().tasks);
        tasks.iter().for_each(AbortHandle::abort);
        self.events.close();
        self.keep(None);
        self.ended.send_replace(true);
    }
}

/// Waits until everything is sent, to all peers that take some of it.
async fn flush(queues: Vec<SendQueue>) {
    let mut left: Vec<(SendQueue, u64)> = queues.into_iter().map(|queue| (queue, 0)).collect();
    loop {
        let drained = async {
            for (queue, _) in &left {
                queue.drained().await;
            }
        };
        if timeout(FLUSH_TIMEOUT, drained).await.is_ok() {
            return;
        }
        left.retain_mut(|(queue, taken)| {
            let before = std::mem::replace(taken, queue.traffic().taken);
            *taken != before && queue.queued().0 > 0
        });
    }
}
