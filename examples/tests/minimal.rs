//! The minimal node, as far as it can be tried without the port that everybody uses.

mod common;

#[test]
fn an_unknown_interface_is_an_error() {
    let done = common::run(env!("CARGO_BIN_EXE_minimal"), &["nowhere0"]);
    let told = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(1), "{told}");
    assert!(told.contains("nowhere0"), "{told}");
}
