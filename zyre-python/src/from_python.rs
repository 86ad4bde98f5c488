//! What an application says, from Python objects.

use std::time::Duration;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PySequence, PyString, PyTuple};
use zyre::{Content, HostEndpoint, PeerId};

use crate::errors;

/// An id: a `uuid.UUID`, its 32 digits, or its 16 bytes.
pub(crate) struct Id(pub(crate) PeerId);

impl FromPyObject<'_, '_> for Id {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if let Ok(text) = object.cast::<PyString>() {
            return text.to_cow()?.parse().map(Self).map_err(errors::value);
        }
        if let Ok(bytes) = object.cast::<PyBytes>() {
            let bytes = bytes.as_bytes().try_into();
            return bytes.map(|bytes| Self(PeerId::new(bytes))).map_err(errors::value);
        }
        let number = object.getattr(pyo3::intern!(object.py(), "int"));
        let number = number.and_then(|number| number.extract::<u128>());
        let number = number.map_err(|_| PyTypeError::new_err("the id of a peer is a uuid.UUID"))?;
        Ok(Self(PeerId::new(number.to_be_bytes())))
    }
}

/// What is sent: text, bytes, or a list of these.
pub(crate) struct Message(pub(crate) Content);

impl FromPyObject<'_, '_> for Message {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = object.cast::<PyBytes>() {
            return Ok(Self(bytes.as_bytes().into()));
        }
        if object.is_instance_of::<PyList>() || object.is_instance_of::<PyTuple>() {
            return frames(object);
        }
        match bytes(object) {
            Ok(bytes) => Ok(Self(bytes.into())),
            // Some sequences are bytes as well.
            Err(_) if object.cast::<PySequence>().is_ok() => frames(object),
            Err(wrong) => Err(wrong),
        }
    }
}

fn frames(list: Borrowed<'_, '_, PyAny>) -> PyResult<Message> {
    let frames = list.try_iter()?.map(|frame| bytes(frame?.as_borrowed()));
    Ok(Message(frames.collect::<PyResult<Vec<Vec<u8>>>>()?.into()))
}

/// Returns the bytes of text, or of what `bytes` takes: `bytearray`, `memoryview`, arrays.
fn bytes(object: Borrowed<'_, '_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(text) = object.cast::<PyString>() {
        return Ok(text.to_cow()?.as_bytes().to_vec());
    }
    if let Ok(bytes) = object.cast::<PyBytes>() {
        return Ok(bytes.as_bytes().to_vec());
    }
    let py = object.py();
    let wrong = || PyTypeError::new_err("a message is str, bytes, or a list of these");
    // `bytes(3)` would be three zeros.
    let view =
        py.import("builtins")?.getattr("memoryview")?.call1((object,)).map_err(|_| wrong())?;
    let bytes = view.call_method0("tobytes")?;
    Ok(bytes.cast::<PyBytes>().map_err(|_| wrong())?.as_bytes().to_vec())
}

/// Where others are: `host:port`, `tcp://host:port`, of a secure node with `|key`.
pub(crate) struct Place(pub(crate) HostEndpoint);

impl FromPyObject<'_, '_> for Place {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let text: String = object.extract()?;
        text.parse().map(Self).map_err(errors::value)
    }
}

/// A time, in seconds.
pub(crate) struct Seconds(pub(crate) Duration);

impl FromPyObject<'_, '_> for Seconds {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let seconds: f64 = object.extract()?;
        Duration::try_from_secs_f64(seconds)
            .map(Self)
            .map_err(|_| PyValueError::new_err(format!("{seconds} is no number of seconds")))
    }
}
