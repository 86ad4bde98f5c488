//! The threads of nodes that were started by `start_blocking`. A process of its own: they are counted.

#![cfg(test)]
#![cfg(target_os = "linux")]

mod common;

use common::{free_port, on};
use testkit::wait::blocking_until;

/// How many threads of nodes this process has, where the system tells.
fn threads_of_nodes() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm")).ok();
    tasks.flatten().filter_map(name).filter(|name| name.trim() == "zyre").count()
}

#[test]
fn a_node_has_one_thread_which_ends_with_it() {
    let port = free_port();
    let [(one, _to_one), (other, to_other)] = [(); 2].map(|()| on(port).start_blocking().unwrap());
    assert_eq!(threads_of_nodes(), 2);
    one.blocking_stop();
    blocking_until("one is left", || threads_of_nodes() == 1);
    // What was told and not heard keeps no thread, nor does a node that is only dropped.
    drop(other);
    blocking_until("none is left", || threads_of_nodes() == 0);
    drop(to_other);
    // One that could not start has left none.
    zyre::Node::builder().interface("nowhere0").start_blocking().unwrap_err();
    blocking_until("none is left", || threads_of_nodes() == 0);
}
