//! What of a node outlives its process.

use std::path::{Path, PathBuf};

use pyo3::prelude::*;

use crate::errors;
use crate::to_python::ToPython as _;

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn failed(error: zyre::StateError) -> PyErr {
    errors::StateError::new_err(error.to_string())
}

/// What of a node outlives its process: its id, and its name if it was given one. A directory, which
/// belongs to one node at a time.
#[pyclass(module = "zyre", frozen)]
pub(crate) struct State(zyre::State);

impl State {
    pub(crate) const fn get(&self) -> &zyre::State {
        &self.0
    }
}

#[pymethods]
impl State {
    #[new]
    fn new(directory: PathBuf) -> PyResult<Self> {
        zyre::State::open(directory).map(Self).map_err(failed)
    }

    /// Opens the first state of a program that nothing uses: `DIRECTORY/PROGRAM-1`, `PROGRAM-2` and so on.
    #[staticmethod]
    fn open_instance(directory: PathBuf, program: &str) -> PyResult<Self> {
        zyre::State::open_instance(directory, program).map(Self).map_err(failed)
    }

    /// Returns the directory in which an application keeps its states on this system.
    #[staticmethod]
    fn directory_of(application: &str) -> PyResult<PathBuf> {
        zyre::State::directory_of(application).map_err(failed)
    }

    /// The id of the node.
    #[getter]
    fn id<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.0.id().to_python(py)
    }

    /// The name that the node was given, if any.
    #[getter]
    fn name(&self) -> Option<String> {
        self.0.name()
    }

    /// Keeps a name for the next nodes with this state.
    fn set_name(&self, name: &str) -> PyResult<()> {
        self.0.set_name(name).map_err(failed)
    }

    /// The directory of the state.
    #[getter]
    fn directory(&self) -> &Path {
        self.0.directory()
    }
}
