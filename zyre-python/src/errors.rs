//! Errors of the library as exceptions, which say the same words.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use zyre::ActionError;

pyo3::import_exception!(zyre._errors, StartError);
pyo3::import_exception!(zyre._errors, RefusedError);
pyo3::import_exception!(zyre._errors, UnknownPeer);
pyo3::import_exception!(zyre._errors, Full);
pyo3::import_exception!(zyre._errors, Stopped);
pyo3::import_exception!(zyre._errors, ShareError);
pyo3::import_exception!(zyre._errors, OfferError);
pyo3::import_exception!(zyre._errors, GossipError);
pyo3::import_exception!(zyre._errors, KeyFileError);
pyo3::import_exception!(zyre._errors, StateError);
pyo3::import_exception!(zyre._errors, ForkedError);

/// Returns what an action is answered with that the node refuses.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub(crate) fn refused(error: ActionError) -> PyErr {
    let words = error.to_string();
    match error {
        ActionError::UnknownPeer(_) => UnknownPeer::new_err(words),
        ActionError::Full(_) => Full::new_err(words),
        ActionError::Stopped => Stopped::new_err(words),
        _ => RefusedError::new_err(words),
    }
}

/// Returns the error of a node that has stopped.
pub(crate) fn stopped() -> PyErr {
    refused(ActionError::Stopped)
}

/// Returns the error of a value that is none, with the library's words.
pub(crate) fn value(error: impl std::fmt::Display) -> PyErr {
    PyValueError::new_err(error.to_string())
}
