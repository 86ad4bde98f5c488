//! Keys, and whom to trust.

use std::path::PathBuf;

use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors;

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn key_file(error: zyre::KeyFileError) -> PyErr {
    errors::KeyFileError::new_err(error.to_string())
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn no_random(error: std::io::Error) -> PyErr {
    PyOSError::new_err(error.to_string())
}

/// The public key of a node: who it is, on every network and after every restart.
///
/// Shown and parsed as 40 characters.
#[pyclass(module = "zyre", frozen, eq, hash, from_py_object)]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct PublicKey(zyre::PublicKey);

impl From<zyre::PublicKey> for PublicKey {
    fn from(key: zyre::PublicKey) -> Self {
        Self(key)
    }
}

impl PublicKey {
    pub(crate) const fn get(&self) -> zyre::PublicKey {
        self.0
    }
}

#[pymethods]
impl PublicKey {
    #[new]
    fn new(text: &str) -> PyResult<Self> {
        text.parse().map(Self).map_err(errors::value)
    }

    /// Takes the 32 bytes of a key.
    #[staticmethod]
    fn from_bytes(bytes: [u8; 32]) -> PyResult<Self> {
        zyre::PublicKey::from_bytes(bytes).map(Self).map_err(errors::value)
    }

    /// The six words that stand for the key, which two people can compare.
    #[getter]
    fn words(&self) -> String {
        self.0.words().to_string()
    }

    fn __bytes__<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.as_bytes())
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("PublicKey({:?})", self.0.to_string())
    }
}

/// Who a secure node is: a key pair. Its public key is what others know it by.
#[pyclass(module = "zyre", frozen)]
pub(crate) struct Identity(zyre::Identity);

impl Identity {
    pub(crate) const fn get(&self) -> &zyre::Identity {
        &self.0
    }
}

#[pymethods]
impl Identity {
    /// Draws a new key pair.
    #[staticmethod]
    fn create() -> PyResult<Self> {
        zyre::Identity::create().map(Self).map_err(no_random)
    }

    /// Reads a certificate with a secret key.
    #[staticmethod]
    fn load(path: PathBuf) -> PyResult<Self> {
        zyre::Identity::load(path).map(Self).map_err(key_file)
    }

    /// Reads a certificate, or creates it if there is none.
    #[staticmethod]
    fn load_or_create(path: PathBuf) -> PyResult<Self> {
        zyre::Identity::load_or_create(path).map(Self).map_err(key_file)
    }

    /// Writes a certificate that only its user can read. One that is there already is not replaced.
    fn save(&self, path: PathBuf) -> PyResult<()> {
        self.0.save(path).map_err(key_file)
    }

    /// Who that is.
    #[getter]
    fn public_key(&self) -> PublicKey {
        self.0.public_key().into()
    }

    /// Shows the public key, and not the secret one.
    fn __repr__(&self) -> String {
        format!("<Identity {}>", self.0.public_key())
    }
}

/// One secret for all who belong to a network: who has it is trusted by all who have it.
///
/// Made from its twelve words, or drawn by `generate`.
#[pyclass(module = "zyre", frozen)]
pub(crate) struct NetworkKey(zyre::NetworkKey);

#[pymethods]
impl NetworkKey {
    #[new]
    fn new(words: &str) -> PyResult<Self> {
        words.parse().map(Self).map_err(errors::value)
    }

    /// Draws a new one.
    #[staticmethod]
    fn generate() -> PyResult<Self> {
        zyre::NetworkKey::generate().map(Self).map_err(no_random)
    }

    /// Reads a file that `save` has written.
    #[staticmethod]
    fn load(path: PathBuf) -> PyResult<Self> {
        zyre::NetworkKey::load(path).map(Self).map_err(key_file)
    }

    /// Writes a file that only its user can read. One that is there already is not replaced.
    fn save(&self, path: PathBuf) -> PyResult<()> {
        self.0.save(path).map_err(key_file)
    }

    /// The twelve words, for people who are to belong to the network. They are a secret.
    #[getter]
    fn words(&self) -> String {
        (*self.0.words()).clone()
    }

    /// Does not show the secret.
    #[expect(clippy::unused_self, reason = "Python calls it so")]
    const fn __repr__(&self) -> &'static str {
        "<NetworkKey>"
    }
}

/// Whom a secure node has to do with. There is no default. `a | b` trusts whom one of both trusts.
#[pyclass(module = "zyre", frozen)]
pub(crate) struct Trust(zyre::Trust);

impl Trust {
    pub(crate) const fn get(&self) -> &zyre::Trust {
        &self.0
    }
}

#[pymethods]
impl Trust {
    /// Trusts all who have this network key: the normal way.
    #[staticmethod]
    fn network(key: &NetworkKey) -> Self {
        Self(zyre::Trust::network(key.0.clone()))
    }

    /// Trusts these keys.
    #[staticmethod]
    fn only(keys: &Bound<'_, PyAny>) -> PyResult<Self> {
        let keys = keys.try_iter()?.map(|key| Ok(key?.extract::<PublicKey>()?.0));
        Ok(Self(zyre::Trust::only(keys.collect::<PyResult<Vec<_>>>()?)))
    }

    /// Trusts the keys in a file, one in each line, which is read again when it changes.
    #[staticmethod]
    fn file(path: PathBuf) -> Self {
        Self(zyre::Trust::file(path))
    }

    /// Trusts nobody before the application says so, which is asked by the event `Stranger`.
    #[staticmethod]
    fn ask() -> Self {
        Self(zyre::Trust::ask())
    }

    /// Trusts anyone: this protects from those who only listen on the network, and from nobody else.
    #[staticmethod]
    fn anyone() -> Self {
        Self(zyre::Trust::anyone())
    }

    fn __or__(&self, other: &Self) -> Self {
        Self(self.0.clone().and(other.0.clone()))
    }
}
