//! Events, as Python classes: `Event` holds what the library has told, its subclasses show it.

use bytes::Bytes;
use pyo3::PyTypeInfo as _;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};

use crate::to_python::{ToPython, frames};

/// Something that has happened on the network, or to this node. Its subclasses tell what:
///
///     match event:
///         case zyre.Enter(name=name):
///             print(name, "is here")
///         case zyre.Whisper(peer=peer, content=content):
///             node.whisper(peer, content)
#[pyclass(module = "zyre", subclass, frozen)]
pub(crate) struct Event(zyre::Event);

#[pymethods]
impl Event {
    /// The peer that the event is about, if it is about one.
    #[getter]
    fn peer<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.0.peer().to_python(py)
    }

    /// Returns the frames that pyre has for the event, without those that only `Enter` has; `None` if it has
    /// none.
    fn _pyre_frames<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyList>>> {
        use zyre::Event::{Enter, Exit, Join, Leave, Shout, Whisper};
        let none: &[Bytes] = &[];
        let (kind, peer, name, group, content) = match &self.0 {
            Enter { peer, name, .. } => ("ENTER", peer, name, None, none),
            Exit { peer, name, .. } => ("EXIT", peer, name, None, none),
            Join { peer, name, group } => ("JOIN", peer, name, Some(group), none),
            Leave { peer, name, group } => ("LEAVE", peer, name, Some(group), none),
            Whisper { peer, name, content } => ("WHISPER", peer, name, None, content.frames()),
            Shout { peer, name, group, content } => {
                ("SHOUT", peer, name, Some(group), content.frames())
            }
            _ => return Ok(None),
        };
        let bytes = |bytes| PyBytes::new(py, bytes);
        let frames =
            PyList::new(py, [kind.as_bytes(), peer.as_bytes(), name.as_bytes()].map(bytes))?;
        for frame in
            group.iter().map(|group| group.as_bytes()).chain(content.iter().map(|it| &**it))
        {
            frames.append(bytes(frame))?;
        }
        Ok(Some(frames))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| self.0 == other.get().0)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let class = slf.get_type();
        let mut fields = Vec::new();
        if let Ok(names) = class.getattr("__match_args__") {
            for name in names.cast::<PyTuple>()?.iter() {
                let name: String = name.extract()?;
                let value = slf.getattr(name.as_str())?.repr()?;
                fields.push(format!("{name}={value}"));
            }
        }
        Ok(format!("{}({})", class.name()?, fields.join(", ")))
    }
}

/// The classes of all events, each with its fields, in the order in which patterns match them.
macro_rules! events {
    ($($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $about:literal])+ $field:ident,)* })*) => {
        $(
            $(#[doc = $doc])+
            #[pyclass(module = "zyre", extends = Event, frozen)]
            pub(crate) struct $name;

            #[pymethods]
            impl $name {
                #[classattr]
                fn __match_args__(py: Python<'_>) -> PyResult<Py<PyTuple>> {
                    let names: &[&str] = &[$(stringify!($field)),*];
                    PyTuple::new(py, names).map(Bound::unbind)
                }

                $(
                    $(#[doc = $about])+
                    #[getter]
                    fn $field<'py>(slf: PyRef<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
                        let py = slf.py();
                        match &slf.as_super().0 {
                            zyre::Event::$name { $field, .. } => $field.to_python(py),
                            _ => Ok(py.None().into_bound(py)),
                        }
                    }
                )*
            }
        )*

        /// Returns an event as a Python object.
        pub(crate) fn event(py: Python<'_>, event: zyre::Event) -> PyResult<Bound<'_, PyAny>> {
            match event {
                $(zyre::Event::$name { .. } => {
                    let base = PyClassInitializer::from(Event(event));
                    Ok(Bound::new(py, base.add_subclass($name))?.into_any())
                })*
                _ => Ok(Bound::new(py, Event(event))?.into_any()),
            }
        }

        /// Adds the classes to the module, and their names to its tuple `EVENTS`.
        pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
            module.add_class::<Event>()?;
            $(module.add_class::<$name>()?;)*
            let py = module.py();
            module.add("EVENTS", PyTuple::new(py, [$($name::type_object(py)),*])?)
        }
    };
}

events! {
    /// A peer is present and can be sent to.
    Enter {
        /// The peer.
        peer,
        /// Its name for people.
        name,
        /// What it says about itself.
        headers,
        /// The endpoint of its mailbox.
        endpoint,
        /// The key that it has proved, if this node is a secure one.
        key,
    }
    /// A peer is gone. If it comes back there is a new `Enter`.
    Exit {
        /// The peer.
        peer,
        /// Its name.
        name,
        /// Why it is gone.
        reason,
    }
    /// A peer is in a group. Follows `Enter` for each group that it was already in.
    Join {
        /// The peer.
        peer,
        /// Its name.
        name,
        /// The group.
        group,
    }
    /// A peer has left a group. `Exit` leaves all groups without a `Leave` for each.
    Leave {
        /// The peer.
        peer,
        /// Its name.
        name,
        /// The group.
        group,
    }
    /// A peer has sent a message to this node alone.
    Whisper {
        /// The sender.
        peer,
        /// Its name.
        name,
        /// The message: the bytes of all frames.
        content,
    }
    /// A peer has sent a message to a group that this node is in.
    Shout {
        /// The sender.
        peer,
        /// Its name.
        name,
        /// The group.
        group,
        /// The message: the bytes of all frames.
        content,
    }
    /// Nothing was heard from a peer for `evasive_timeout`; it is asked whether it is there.
    Evasive {
        /// The peer.
        peer,
        /// Its name.
        name,
    }
    /// A peer has not answered within `silent_timeout`.
    Silent {
        /// The peer.
        peer,
        /// Its name.
        name,
    }
    /// A peer that was evasive or silent is back.
    Returned {
        /// The peer.
        peer,
        /// Its name.
        name,
    }
    /// A node is heard of, and cannot be met. Show it: mostly a person has to do something about it.
    Unreachable {
        /// The node.
        peer,
        /// Where it was looked for.
        endpoint,
        /// Why it cannot be met.
        why,
    }
    /// Nobody can be met at an endpoint that is required. Comes once for each reason.
    EndpointUnreachable {
        /// The endpoint.
        endpoint,
        /// Why nobody can be met there.
        why,
    }
    /// Another member leads a group that this node is in, or nobody does any more.
    Leader {
        /// The group.
        group,
        /// Who leads now, this node or a peer; `None` if nobody does.
        leader,
        /// Whether that is this node.
        mine,
    }
    /// The peer that has just entered has another key than the last one of its name had.
    KeyChanged {
        /// The peer.
        peer,
        /// Its name.
        name,
        /// The key that had the name before.
        before,
        /// The key that this peer has proved.
        key,
    }
    /// A stranger is heard, and the node asks whether to trust it.
    Stranger {
        /// Its key: `Node.trust` lets it in.
        key,
        /// Where it is.
        address,
    }
    /// The file with the trusted keys cannot be used. What it said before holds.
    TrustFileUnusable {
        /// What is wrong, and where.
        error,
    }
    /// A peer has a file for this node, which comes if `Node.accept` is called.
    Offered {
        /// The peer that has published it.
        peer,
        /// The file.
        offer,
    }
    /// An offer holds no more: the file has changed, or is gone.
    Withdrawn {
        /// The peer that had published it.
        peer,
        /// Which offer.
        id,
        /// Its name on the network.
        name,
    }
    /// A file that a peer has published is here, complete.
    Deliver {
        /// The peer that has published it.
        peer,
        /// Its name on the network, such as `/photos/a.jpg`.
        name,
        /// Where it is.
        path,
        /// Its size in bytes.
        size,
    }
    /// A peer has taken back a file, and it is gone here.
    Retract {
        /// The peer that had published it.
        peer,
        /// Its name on the network.
        name,
        /// Where it was.
        path,
    }
    /// A file that a peer has published was not accepted.
    Refused {
        /// The peer that has published it.
        peer,
        /// Its name on the network.
        name,
        /// Why it was not accepted.
        reason,
        /// Whether it may be accepted later: then it is tried again.
        fate,
    }
    /// A file that was refused for a passing reason is being received now.
    Retried {
        /// The peer that has published it.
        peer,
        /// Its name on the network.
        name,
    }
    /// A folder or a file of this node is published.
    Published {
        /// Its name on the network; `/` is the shared folder.
        name,
        /// How many files it has.
        files,
        /// How many bytes they have.
        bytes,
    }
    /// Some files of this node are not published.
    Omitted {
        /// The published folder; `/` is the shared folder.
        name,
        /// Why, and how many.
        omitted,
    }
    /// The received folder cannot be used. Nothing is received until `FolderUsable`.
    FolderUnusable {
        /// What the operating system says.
        why,
    }
    /// The received folder can be used again.
    FolderUsable {}
    /// The file server of a peer cannot be reached. It is tried again and again.
    FileServerUnreachable {
        /// The peer.
        peer,
        /// Where its file server is looked for.
        endpoint,
        /// Why it was not reached.
        why,
    }
    /// The file server of a peer that could not be reached is connected.
    FileServerReached {
        /// The peer.
        peer,
    }
    /// A file is coming in; told about ten times a second.
    Receiving {
        /// The peer that sends it.
        peer,
        /// Its name on the network.
        name,
        /// Bytes received so far.
        bytes,
        /// Bytes in all, if the peer tells.
        total,
        /// Bytes per second since the transfer began.
        rate,
    }
    /// A file is going out; told about ten times a second.
    Sending {
        /// The peer that receives it.
        peer,
        /// Its name on the network.
        name,
        /// Bytes handed to the network so far.
        bytes,
        /// Bytes in all.
        total,
        /// Bytes per second since the transfer began.
        rate,
    }
    /// A file was sent to its end. `Confirmed` tells that the peer has it.
    Sent {
        /// The peer that it was sent to.
        peer,
        /// Its name on the network.
        name,
        /// Its size in bytes.
        size,
        /// Whether the peer has still to say what has become of it.
        receipt_follows,
    }
    /// A peer has said that it has a file, whole and verified.
    Confirmed {
        /// The peer that has it.
        peer,
        /// Its name on the network.
        name,
        /// Its size in bytes.
        size,
        /// Whether the peer has it from before, so that it was not sent.
        already,
    }
    /// A peer does not want a file of this node.
    Declined {
        /// The peer that does not want it.
        peer,
        /// Its name on the network.
        name,
        /// What the peer says; may be empty.
        reason,
    }
    /// A peer has said that it does not accept a file of this node.
    Rejected {
        /// The peer that does not accept it.
        peer,
        /// Its name on the network.
        name,
        /// What the peer says.
        reason,
        /// Whether the peer tries again by itself.
        fate,
    }
    /// Another node uses the id of this one: one of the two needs another id.
    IdInUse {
        /// Where the other one is.
        endpoint,
    }
    /// A gossip hub cannot be reached. It is tried again and again.
    HubUnreachable {
        /// Its endpoint, as it was given.
        hub,
        /// Why it was not reached.
        why,
    }
    /// A gossip hub that could not be reached has answered.
    HubReached {
        /// Its endpoint, as it was given.
        hub,
    }
    /// This node has another endpoint: its interfaces have changed.
    Moved {
        /// The new endpoint of its mailbox.
        endpoint,
    }
    /// This node has stopped. The last event of all.
    Stop {}
}

/// What messages have besides.
macro_rules! messages {
    ($($name:ident),*) => {
        $(#[pymethods]
        impl $name {
            /// The frames of the message; mostly there is one.
            #[getter]
            fn frames<'py>(slf: PyRef<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
                let py = slf.py();
                match slf.as_super().0.content() {
                    Some(content) => frames(py, content),
                    None => Ok(py.None().into_bound(py)),
                }
            }

            /// The message as text: frames are separated by spaces, and what is not UTF-8 is replaced.
            #[getter]
            fn text(slf: PyRef<'_, Self>) -> String {
                slf.as_super().0.content().map(zyre::Content::to_text).unwrap_or_default()
            }
        })*
    };
}

messages!(Whisper, Shout);
