//! What the library says, as Python objects.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use pyo3::IntoPyObjectExt as _;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyString};
use zyre::{
    Content, Endpoint, ExitReason, Fate, Headers, HostEndpoint, LinkKind, Liveness, OfferId,
    OfferState, OmittedFiles, PeerId, Refusal, UnreachableReason, UnusedReason,
};

use crate::records::{choice, make, record};
use crate::secure::PublicKey;

/// Ids that are kept as Python objects, which are slow to make.
const MAX_IDS: usize = 4096;

/// Becomes a Python object.
pub(crate) trait ToPython {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>>;
}

/// Those that PyO3 converts.
macro_rules! plain {
    ($($type:ty),*) => {
        $(impl ToPython for $type {
            fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                self.clone().into_bound_py_any(py)
            }
        })*
    };
}

plain!(bool, u8, u16, u64, usize, String, PathBuf);

/// Those that are written as text.
macro_rules! text {
    ($($type:ty),*) => {
        $(impl ToPython for $type {
            fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                self.to_string().into_bound_py_any(py)
            }
        })*
    };
}

text!(Endpoint, HostEndpoint, SocketAddr, IpAddr, Ipv4Addr, Refusal);

/// Those of which there are a few, by the name of the enumeration and that of the member.
macro_rules! choices {
    ($($type:ident { $($variant:ident),* })*) => {
        $(impl ToPython for $type {
            fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                #[allow(unreachable_patterns, reason = "some enumerations may grow")]
                let name = match self {
                    $(Self::$variant => stringify!($variant),)*
                    _ => "Other",
                };
                choice(py, stringify!($type), name)
            }
        })*
    };
}

choices! {
    ExitReason {
        Goodbye, LinkLost, Expired, Restarted, Distrusted, Replaced, SequenceGap, StatusMismatch,
        Overflow, Rejected
    }
    UnreachableReason {
        Refused, NoAnswer, NoRoute, AnotherNode, NoHello, NoDescriptors, NoName, OwnNode, Failed
    }
    Liveness { Present, Evasive, Silent }
    LinkKind { OneEachWay, Dialled, Accepted }
    UnusedReason { NotChosen, Excepted, Loopback, Down, PointToPoint, NoAddress, TooMany }
    Fate { Passing, Final }
    OfferState { Open, Accepted, Paused }
}

impl ToPython for Arc<str> {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(PyString::new(py, self).into_any())
    }
}

impl<T: ToPython> ToPython for Option<T> {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Some(it) => it.to_python(py),
            None => Ok(py.None().into_bound(py)),
        }
    }
}

impl<T: ToPython> ToPython for Vec<T> {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let all = self.iter().map(|it| it.to_python(py)).collect::<PyResult<Vec<_>>>()?;
        all.into_bound_py_any(py)
    }
}

impl ToPython for Arc<Headers> {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let headers = PyDict::new(py);
        for (name, value) in &**self {
            headers.set_item(name, value)?;
        }
        Ok(headers.into_any())
    }
}

impl ToPython for OfferId {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.get().to_python(py)
    }
}

impl ToPython for zyre::PublicKey {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        PublicKey::from(*self).into_bound_py_any(py)
    }
}

impl ToPython for SystemTime {
    /// Seconds since 1970, as of `os.stat`.
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let seconds = match self.duration_since(UNIX_EPOCH) {
            Ok(after) => after.as_secs_f64(),
            Err(before) => -before.duration().as_secs_f64(),
        };
        seconds.into_bound_py_any(py)
    }
}

impl ToPython for zyre::Offer {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        record!(py, "Offer", self, [id, peer, name, size, modified, state])
    }
}

impl ToPython for OmittedFiles {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let fields = PyDict::new(py);
        fields.set_item("reason", self.reason.to_string())?;
        fields.set_item("count", self.count)?;
        fields.set_item("example", &self.example)?;
        make(py, "OmittedFiles", &fields)
    }
}

impl ToPython for Content {
    /// The bytes of all frames.
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let bytes = match self.frames() {
            [one] => PyBytes::new(py, one),
            frames => PyBytes::new(py, &frames.concat()),
        };
        Ok(bytes.into_any())
    }
}

impl ToPython for PeerId {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        static IDS: Mutex<Option<HashMap<PeerId, Py<PyAny>>>> = Mutex::new(None);
        if let Some(ids) = &*IDS.lock().unwrap_or_else(PoisonError::into_inner)
            && let Some(id) = ids.get(self)
        {
            return Ok(id.bind(py).clone());
        }
        // The interpreter may run another thread here.
        let id = CLASS
            .import(py, "uuid", "UUID")?
            .call((py.None(), PyBytes::new(py, self.as_bytes())), None)?;
        let mut ids = IDS.lock().unwrap_or_else(PoisonError::into_inner);
        let ids = ids.get_or_insert_default();
        if ids.len() >= MAX_IDS {
            ids.clear();
        }
        ids.insert(*self, id.clone().unbind());
        Ok(id)
    }
}

/// Returns the frames of a message, as a list.
pub(crate) fn frames<'py>(py: Python<'py>, content: &Content) -> PyResult<Bound<'py, PyAny>> {
    let frames: Vec<_> = content.frames().iter().map(|frame| PyBytes::new(py, frame)).collect();
    frames.into_bound_py_any(py)
}

impl ToPython for zyre::PeerInfo {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        record!(py, "PeerInfo", self, [id, name, headers, endpoint, groups, liveness, link])
    }
}
