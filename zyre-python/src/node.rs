//! A node: its peers and groups, what it sends and hears.

use std::sync::{Arc, OnceLock};

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use crate::errors;
use crate::events;
use crate::from_python::{Id, Message, Seconds};
use crate::live_node::LiveNode;
use crate::records::record;
use crate::settings;
use crate::to_python::ToPython as _;
use crate::waiting;

/// A node on the network: what `zyre.Node` is made of.
#[pyclass(module = "zyre._zyre", subclass, frozen, weakref)]
pub(crate) struct Node {
    live: OnceLock<Arc<LiveNode>>,
}

impl Node {
    /// Returns the node if it was started, in this process.
    pub(crate) fn live(&self) -> PyResult<&Arc<LiveNode>> {
        let live = self.live.get();
        let live = live.ok_or_else(|| {
            errors::StartError::new_err("the node was not started: call __init__ of zyre.Node")
        })?;
        live.process().check()?;
        Ok(live)
    }

    pub(crate) fn node(&self) -> PyResult<&zyre::Node> {
        self.live().map(|live| &live.node)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(live) = self.live.take()
            && !live.process().is_current()
        {
            // Its thread is in the parent process, and so are those who hear it say goodbye.
            std::mem::forget(live);
        }
    }
}

#[pymethods]
impl Node {
    #[new]
    #[pyo3(signature = (*args, **kwargs))]
    fn new(args: &Bound<'_, PyTuple>, kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        // They are for `__init__`.
        let _ = (args, kwargs);
        Self { live: OnceLock::new() }
    }

    /// Starts the node with the settings that are not `None`.
    fn _start(&self, py: Python<'_>, settings: &Bound<'_, PyDict>) -> PyResult<()> {
        let (builder, stall_timeout) = settings::builder(settings)?;
        let live = LiveNode::start(py, builder, stall_timeout)?;
        let twice = |_| errors::StartError::new_err("this node was started before");
        self.live.set(live).map_err(twice)
    }

    /// The id of the node.
    #[getter]
    fn id<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.node()?.id().to_python(py)
    }

    /// The name of the node.
    #[getter]
    fn name(&self) -> PyResult<&str> {
        Ok(self.node()?.name())
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let class = slf.get_type().name()?;
        Ok(match slf.get().live.get() {
            Some(live) => format!("<{class} {:?} {}>", live.node.name(), live.node.id()),
            None => format!("<{class}, not started>"),
        })
    }

    /// Waits for the next event. Returns `None` if there is none within `timeout` seconds; without a
    /// timeout it waits until there is.
    ///
    /// After the last event, `Stop`, it raises `Stopped`.
    #[pyo3(signature = (timeout=None))]
    fn recv<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<Seconds>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let timeout = timeout.map(|seconds| seconds.0);
        let event = self.live()?.wait(py, timeout, LiveNode::try_event)?;
        event.map(|event| events::event(py, event)).transpose()
    }

    /// Returns the next event if there is one, or `None`.
    ///
    /// After the last event, `Stop`, it raises `Stopped`.
    fn try_recv<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let event = self.live()?.try_event()?;
        event.map(|event| events::event(py, event)).transpose()
    }

    /// Waits until there are events, and returns those that are there, up to `most`. Returns an empty list
    /// if there is none within `timeout` seconds.
    ///
    /// After the last event, `Stop`, it raises `Stopped`.
    #[pyo3(signature = (most=256, timeout=None))]
    fn recv_batch<'py>(
        &self,
        py: Python<'py>,
        most: usize,
        timeout: Option<Seconds>,
    ) -> PyResult<Bound<'py, PyList>> {
        let timeout = timeout.map(|seconds| seconds.0);
        let some = |live: &LiveNode| {
            let batch = live.try_events(most.max(1))?;
            Ok((!batch.is_empty()).then_some(batch))
        };
        let batch = self.live()?.wait(py, timeout, some)?.unwrap_or_default();
        let batch = batch.into_iter().map(|event| events::event(py, event));
        PyList::new(py, batch.collect::<PyResult<Vec<_>>>()?)
    }

    /// Returns the number of a descriptor that is readable as long as there are events, for `select` and
    /// other loops: then take them with `try_recv` until that is `None`. There is none on Windows.
    fn fileno(&self) -> PyResult<i32> {
        self.live()?.descriptor()
    }

    /// Makes the descriptor unreadable until the next event. The caller has to look for events after that.
    fn _clear(&self) -> PyResult<()> {
        self.live()?.clear();
        Ok(())
    }

    const fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self.recv(py, None) {
            Err(error) if error.is_instance_of::<errors::Stopped>(py) => Ok(None),
            received => received,
        }
    }

    /// Sends to one peer: text, bytes, or a list of these, which are the frames of the message.
    ///
    /// Raises `Full` if so much waits for the peer that it has to take some first: see `ready`; and
    /// `UnknownPeer` if it is not there (any more).
    fn whisper(&self, peer: Id, content: Message) -> PyResult<()> {
        self.node()?.whisper(peer.0, content.0).map_err(errors::refused)
    }

    /// Sends to all peers in a group: text, bytes, or a list of these, which are the frames of the message.
    /// This node need not be in the group, and does not hear it.
    fn shout(&self, group: &str, content: Message) -> PyResult<()> {
        self.node()?.shout(group, content.0).map_err(errors::refused)
    }

    /// Waits until a peer takes a message of that many bytes. Returns `False` if it does not within
    /// `timeout` seconds. Raises `UnknownPeer` when the peer is gone.
    #[pyo3(signature = (peer, bytes=0, timeout=None))]
    fn ready(
        &self,
        py: Python<'_>,
        peer: Id,
        bytes: usize,
        timeout: Option<Seconds>,
    ) -> PyResult<bool> {
        self.live()?.ready(py, peer.0, bytes, timeout.map(|seconds| seconds.0))
    }

    /// Waits until every member of a group takes a message of that many bytes, but for none longer than
    /// `Limits.stall_timeout`.
    #[pyo3(signature = (group, bytes=0))]
    fn ready_in(&self, py: Python<'_>, group: &str, bytes: usize) -> PyResult<()> {
        self.live()?.ready_in(py, group, bytes)
    }

    /// Returns what can be whispered to a peer now; `None` if it is not present.
    fn room<'py>(&self, py: Python<'py>, peer: Id) -> PyResult<Option<Bound<'py, PyAny>>> {
        let room = self.node()?.room(peer.0);
        room.map(|room| record!(py, "Room", room, [messages, bytes])).transpose()
    }

    /// Joins a group: all peers are told, and what is shouted to the group arrives.
    fn join(&self, group: &str) -> PyResult<()> {
        self.node()?.join(group).map_err(errors::refused)
    }

    /// Leaves a group: all peers are told.
    fn leave(&self, group: &str) -> PyResult<()> {
        self.node()?.leave(group).map_err(errors::refused)
    }

    /// Contests in a group, and joins it: of all members that contest, the one with the lowest id leads.
    fn contest(&self, group: &str) -> PyResult<()> {
        self.node()?.contest(group).map_err(errors::refused)
    }

    /// Returns who leads a group, this node or a peer; `None` if nobody does.
    fn leader<'py>(&self, py: Python<'py>, group: &str) -> PyResult<Bound<'py, PyAny>> {
        self.node()?.leader(group).to_python(py)
    }

    /// Returns the ids of the peers that are present.
    fn peers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.node()?.peers().to_python(py)
    }

    /// Returns the ids of the peers in a group. This node is not among them.
    fn peers_in<'py>(&self, py: Python<'py>, group: &str) -> PyResult<Bound<'py, PyAny>> {
        self.node()?.peers_in(group).to_python(py)
    }

    /// Returns the groups that this node is in.
    fn own_groups<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.node()?.own_groups().to_python(py)
    }

    /// Returns the groups that peers are in.
    fn peer_groups<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.node()?.peer_groups().to_python(py)
    }

    /// Returns what is known of a peer; `None` if it is not present.
    fn peer<'py>(&self, py: Python<'py>, id: Id) -> PyResult<Bound<'py, PyAny>> {
        self.node()?.peer(id.0).to_python(py)
    }

    /// Returns what is known of all peers that are present, all as of one moment.
    fn peers_info<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.node()?.peers_info().to_python(py)
    }

    /// Sets what the node says about itself, to peers that it meets from now on.
    fn set_header(&self, name: &str, value: &str) -> PyResult<()> {
        self.node()?.set_header(name, value).map_err(errors::refused)
    }

    /// Says in a header where a service of this node is: each peer is told the address by which it reaches
    /// this node, and this port.
    fn set_service(&self, name: &str, port: u16) -> PyResult<()> {
        self.node()?.set_service(name, port).map_err(errors::refused)
    }

    /// Stops the node: sends what waits, tells peers goodbye, and waits until that is done. The last event
    /// is `Stop`.
    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        let node = self.node()?.clone();
        waiting::apart(py, move || node.blocking_stop())
    }

    /// Ends the node at once and without a goodbye, as if its process had been killed.
    fn abort(&self) -> PyResult<()> {
        self.node()?.abort();
        Ok(())
    }
}
