//! Records and enumerations, which are written in Python.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

/// Makes a record of these fields of something, each by its `to_python`.
macro_rules! record {
    ($py:expr, $class:literal, $from:expr, [$($field:ident),* $(,)?]) => {{
        let fields = pyo3::types::PyDict::new($py);
        $(fields.set_item(stringify!($field), $from.$field.to_python($py)?)?;)*
        $crate::records::make($py, $class, &fields)
    }};
}

pub(crate) use record;

/// Makes a record of this class.
pub(crate) fn make<'py>(
    py: Python<'py>,
    class: &str,
    fields: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyAny>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let module = MODULE.get_or_try_init(py, || py.import("zyre._records").map(Bound::unbind))?;
    module.bind(py).getattr(class)?.call((), Some(fields))
}

/// Returns a member of an enumeration; `name` is that of Rust, `LinkLost`, for `LINK_LOST`.
pub(crate) fn choice<'py>(py: Python<'py>, class: &str, name: &str) -> PyResult<Bound<'py, PyAny>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let module = MODULE.get_or_try_init(py, || py.import("zyre._choices").map(Bound::unbind))?;
    let mut member = String::with_capacity(name.len() + 4);
    for (nth, letter) in name.char_indices() {
        if nth > 0 && letter.is_ascii_uppercase() {
            member.push('_');
        }
        member.push(letter.to_ascii_uppercase());
    }
    module.bind(py).getattr(class)?.getattr(member.as_str())
}
