//! The page: what browsers load, all of it from here.

/// A file of the page.
#[derive(Clone, Copy, Debug)]
pub(super) struct File {
    pub(super) path: &'static str,
    pub(super) kind: &'static str,
    pub(super) text: &'static str,
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! file {
    ($path:literal, $name:literal, $kind:expr) => {
        File { path: $path, kind: $kind, text: include_str!(concat!("../../page/", $name)) }
    };
}

/// All files.
pub(super) const FILES: [File; 10] = [
    file!("/", "index.html", HTML),
    file!("/style.css", "style.css", CSS),
    file!("/icon.svg", "icon.svg", SVG),
    file!("/page.js", "page.js", SCRIPT),
    file!("/source.js", "source.js", SCRIPT),
    file!("/network.js", "network.js", SCRIPT),
    file!("/layout.js", "layout.js", SCRIPT),
    file!("/time.js", "time.js", SCRIPT),
    file!("/lists.js", "lists.js", SCRIPT),
    file!("/rates.js", "rates.js", SCRIPT),
];
