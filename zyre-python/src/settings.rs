//! The settings of a node, from a dictionary: the keyword arguments of `zyre.Node`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use pyo3::conversion::FromPyObjectOwned;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use zyre::{Accept, Builder, Endpoint, Level, Limits, Node, ReceivedLimits};

use crate::errors;
use crate::from_python::{Id, Place, Seconds};
use crate::secure::{Identity, Trust};
use crate::state::State;

/// Sets those fields that the record has.
macro_rules! set {
    ($target:ident, $from:ident, [$($field:ident),*]) => {
        $(if let Some(value) = field(&$from, stringify!($field))? {
            $target.$field = value;
        })*
    };
}

/// Returns the level of the log that is called like this.
pub(crate) fn level(name: &str) -> PyResult<Level> {
    match name {
        "error" => Ok(Level::Error),
        "warning" => Ok(Level::Warning),
        "info" => Ok(Level::Info),
        _ => Err(errors::value(format!("{name:?} is none of \"error\", \"warning\", \"info\""))),
    }
}

/// Returns what starts a node with these settings, and its stall timeout.
pub(crate) fn builder(settings: &Bound<'_, PyDict>) -> PyResult<(Builder, Duration)> {
    let mut limits = Limits::default();
    if let Some(set) = get::<Py<PyAny>>(settings, "limits")? {
        change_limits(&mut limits, set.bind(settings.py()))?;
    }
    let stall_timeout = limits.stall_timeout;
    let builder = Node::builder().limits(limits);
    let builder = identify(builder, settings)?;
    let builder = find(builder, settings)?;
    let builder = reach(builder, settings)?;
    let builder = time(builder, settings)?;
    let builder = share(builder, settings)?;
    Ok((builder, stall_timeout))
}

/// Who the node is.
fn identify(mut builder: Builder, settings: &Bound<'_, PyDict>) -> PyResult<Builder> {
    if let Some(name) = get::<String>(settings, "name")? {
        builder = builder.name(name);
    }
    if let Some(id) = get::<Id>(settings, "id")? {
        builder = builder.id(id.0);
    }
    if let Some(state) = get::<Py<State>>(settings, "state")? {
        builder = builder.state(state.get().get());
    }
    if let Some(headers) = get::<Vec<(String, String)>>(settings, "headers")? {
        builder = headers.into_iter().fold(builder, |it, (name, value)| it.header(name, value));
    }
    if let Some(groups) = get::<Vec<String>>(settings, "groups")? {
        builder = groups.into_iter().fold(builder, Builder::join);
    }
    if let Some(groups) = get::<Vec<String>>(settings, "contest")? {
        builder = groups.into_iter().fold(builder, Builder::contest);
    }
    if let Some(everyone) = get(settings, "elect_with_everyone")? {
        builder = builder.elect_with_everyone(everyone);
    }
    let identity = get::<Py<Identity>>(settings, "identity")?;
    let trust = get::<Py<Trust>>(settings, "trust")?;
    match (identity, trust) {
        (Some(identity), Some(trust)) => {
            Ok(builder.secure(identity.get().get().clone(), trust.get().get().clone()))
        }
        (None, None) => Ok(builder),
        _ => Err(errors::value("a secure node has an identity and trusts somebody: give both")),
    }
}

/// How it finds others.
fn find(mut builder: Builder, settings: &Bound<'_, PyDict>) -> PyResult<Builder> {
    if let Some(choices) = get::<Vec<String>>(settings, "interfaces")? {
        builder = choices.into_iter().fold(builder, Builder::interface);
    }
    if let Some(choices) = get::<Vec<String>>(settings, "except_interfaces")? {
        builder = choices.into_iter().fold(builder, Builder::except);
    }
    if let Some(beacon) = get(settings, "beacon")? {
        builder = builder.beacon(beacon);
    }
    if let Some(port) = get(settings, "beacon_port")? {
        builder = builder.beacon_port(port);
    }
    if let Some(required) = get::<Vec<Py<PyAny>>>(settings, "require")? {
        for required in required {
            let required = required.bind(settings.py());
            builder = match required.extract::<(Id, Place)>() {
                Ok((id, place)) => builder.require_peer(id.0, place.0),
                Err(_) => builder.require_endpoint(required.extract::<Place>()?.0),
            };
        }
    }
    if let Some(addresses) = get::<Vec<String>>(settings, "gossip_listen")? {
        for address in addresses {
            let address: SocketAddr = address.parse().map_err(errors::value)?;
            builder = builder.gossip_listen(address);
        }
    }
    if let Some(hubs) = get::<Vec<Place>>(settings, "gossip_connect")? {
        builder = hubs.into_iter().fold(builder, |builder, hub| builder.gossip_connect(hub.0));
    }
    Ok(builder)
}

/// How others reach it, and who is told what happens.
fn reach(mut builder: Builder, settings: &Bound<'_, PyDict>) -> PyResult<Builder> {
    if let Some(port) = get(settings, "mailbox_port")? {
        builder = builder.mailbox_port(port);
    }
    if let Some(two_way) = get(settings, "two_way")? {
        builder = builder.two_way(two_way);
    }
    if let Some(endpoint) = get::<String>(settings, "advertise")? {
        builder = builder.advertise(endpoint.parse::<Endpoint>().map_err(errors::value)?);
    }
    if let Some(endpoint) = get::<String>(settings, "advertise_everywhere")? {
        builder =
            builder.advertise_everywhere(endpoint.parse::<Endpoint>().map_err(errors::value)?);
    }
    if let Some(name) = get::<String>(settings, "logging")? {
        builder = builder.logging(level(&name)?);
    }
    if let Some(messages) = get(settings, "log_messages")? {
        builder = builder.log_messages(messages);
    }
    Ok(builder)
}

fn time(mut builder: Builder, settings: &Bound<'_, PyDict>) -> PyResult<Builder> {
    if let Some(seconds) = get::<Seconds>(settings, "beacon_interval")? {
        builder = builder.beacon_interval(seconds.0);
    }
    if let Some(seconds) = get::<Seconds>(settings, "evasive_timeout")? {
        builder = builder.evasive_timeout(seconds.0);
    }
    if let Some(seconds) = get::<Seconds>(settings, "silent_timeout")? {
        builder = builder.silent_timeout(seconds.0);
    }
    if let Some(seconds) = get::<Seconds>(settings, "expired_timeout")? {
        builder = builder.expired_timeout(seconds.0);
    }
    Ok(builder)
}

fn share(mut builder: Builder, settings: &Bound<'_, PyDict>) -> PyResult<Builder> {
    let shared = get::<PathBuf>(settings, "share")?;
    let received = get::<PathBuf>(settings, "receive")?;
    builder = match (shared, received) {
        (Some(shared), Some(received)) => builder.share(shared, received),
        (None, Some(received)) => builder.receive(received),
        (None, None) => builder,
        (Some(_), None) => {
            return Err(errors::value(
                "a node that shares a folder receives as well: give receive= too, or publish the \
                 folder instead (publishing=True)",
            ));
        }
    };
    if get(settings, "publishing")?.unwrap_or(false) {
        builder = builder.publishing();
    }
    if get(settings, "ask")?.unwrap_or(false) {
        builder = builder.accept(Accept::Ask);
    }
    if let Some(set) = get::<Py<PyAny>>(settings, "received_limits")? {
        let (set, mut limits) = (set.bind(settings.py()), ReceivedLimits::default());
        set!(limits, set, [bytes, files, bytes_per_server, files_per_server, durable, hidden]);
        builder = builder.received_limits(limits);
    }
    if let Some(port) = get(settings, "file_port")? {
        builder = builder.file_port(port);
    }
    if let Some(port) = get(settings, "advertise_file_port")? {
        builder = builder.advertise_file_port(port);
    }
    Ok(builder)
}

fn change_limits(limits: &mut Limits, set: &Bound<'_, PyAny>) -> PyResult<()> {
    set!(
        limits,
        set,
        [
            peers,
            required,
            message_bytes,
            message_frames,
            hello_entries,
            hello_bytes,
            link_messages,
            link_bytes,
            events,
            event_bytes,
            peer_connections,
            strangers,
            handshakes,
            gossip_clients
        ]
    );
    let times = [
        (&mut limits.stall_timeout, "stall_timeout"),
        (&mut limits.connect_time, "connect_time"),
        (&mut limits.handshake_time, "handshake_time"),
    ];
    for (time, name) in times {
        if let Some(Seconds(set)) = field(set, name)? {
            *time = set;
        }
    }
    Ok(())
}

/// Returns a setting, if it is there and not `None`.
fn get<'py, T: FromPyObjectOwned<'py>>(
    settings: &Bound<'py, PyDict>,
    name: &str,
) -> PyResult<Option<T>> {
    let Some(value) = settings.get_item(name)? else { return Ok(None) };
    value.extract::<Option<T>>().map_err(Into::into)
}

fn field<'py, T: FromPyObjectOwned<'py>>(
    from: &Bound<'py, PyAny>,
    name: &str,
) -> PyResult<Option<T>> {
    from.getattr(name)?.extract::<Option<T>>().map_err(Into::into)
}
