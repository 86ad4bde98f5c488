//! The native half of the Python package `zyre`: nodes, events and keys as Python classes.
//!
//! A node lives on a thread of its own, which never touches Python: a thread that waits for an event
//! does so without the interpreter's lock, and is woken by a [bell](bell). What is not hot is written in Python,
//! in `python/zyre`.

mod bell;
mod errors;
mod events;
mod from_python;
mod live_node;
mod node;
mod node_files;
mod node_network;
mod process;
mod records;
mod secure;
mod settings;
mod state;
mod to_python;
mod waiting;

use pyo3::prelude::*;

#[pymodule]
fn _zyre(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("VERSION", zyre::VERSION)?;
    module.add("BEACON_PORT", zyre::BEACON_PORT)?;
    module.add("NETWORK_BEACON_PORT", zyre::NETWORK_BEACON_PORT)?;
    module.add_class::<node::Node>()?;
    module.add_class::<secure::PublicKey>()?;
    module.add_class::<secure::Identity>()?;
    module.add_class::<secure::NetworkKey>()?;
    module.add_class::<secure::Trust>()?;
    module.add_class::<state::State>()?;
    events::add_to(module)?;
    module.add_function(wrap_pyfunction!(process::forked, module)?)?;
    module.add_function(wrap_pyfunction!(live_node::stop_all, module)?)?;
    module.add_function(wrap_pyfunction!(node_network::host_addresses, module)?)?;
    Ok(())
}
