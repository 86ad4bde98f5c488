//! `cargo xtask circles`: no file imports one that imports it, directly or through others.
//!
//! File A imports file B if it names, in a `use` or in a path, an item that B defines. A re-export
//! leads to the file that defines the item, a glob to the file of the module. `mod x;` alone
//! imports nothing, and neither does the name of a module; `use super::*` in the tests of a file is
//! part of that file. Imports count inside one crate only, and what macros expand to does not
//! count.

mod graph;
mod imports;
mod names;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use self::imports::Imports;
use self::source::Crate;
use crate::metadata::Metadata;
use crate::workspace;

/// Packages that are no part of the workspace.
const OUTSIDE: [&str; 1] = ["zyre-python"];

/// Prints each group of files that import each other, and fails if there is one.
pub(crate) fn run() -> Result<(), String> {
    let root = workspace::root();
    let mut roots = Metadata::of(&root)?.crate_roots();
    for outside in OUTSIDE {
        roots.extend(Metadata::of(&root.join(outside))?.crate_roots());
    }
    let mut read = BTreeSet::new();
    let mut circles: BTreeMap<BTreeSet<PathBuf>, Imports> = BTreeMap::new();
    for krate in roots {
        let krate = Crate::read(&krate)?;
        read.extend(krate.files().map(Path::to_owned));
        let imports = Imports::of(&krate);
        for group in graph::circles(&imports.graph()) {
            let inside = imports.inside(&group);
            circles.entry(group).or_default().merge(inside);
        }
    }
    let orphans: Vec<PathBuf> =
        workspace::sources(&root)?.into_iter().filter(|f| !read.contains(f)).collect();
    if let Some(first) = orphans.first() {
        return Err(format!("{} belongs to no crate", workspace::relative(first).display()));
    }
    for (number, (files, imports)) in circles.iter().enumerate() {
        println!("circle {}, {} files:\n{imports}", number + 1, files.len());
    }
    match circles.len() {
        0 => {
            println!("{} files, none imports one that imports it", read.len());
            Ok(())
        }
        1 => Err("1 group of files import each other".to_owned()),
        many => Err(format!("{many} groups of files import each other")),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    /// The circles of a crate with these files, as `a.rs b.rs`.
    fn circles(files: &[(&str, &str)]) -> Vec<String> {
        let folder = TempDir::new().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let krate = Crate::read(&folder.path().join("lib.rs")).unwrap();
        assert_eq!(krate.files().count(), files.len());
        let name = |path: &PathBuf| {
            path.strip_prefix(folder.path()).unwrap().to_string_lossy().replace('\\', "/")
        };
        let groups = graph::circles(&Imports::of(&krate).graph());
        groups.iter().map(|group| group.iter().map(name).collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn siblings_that_import_each_other_are_a_circle() {
        let a = ("a.rs", "use crate::b::B; pub struct A(B);");
        let b = ("b.rs", "pub struct B; fn a(_: super::a::A) {}");
        assert_eq!(circles(&[("lib.rs", "mod a; mod b;"), a, b]), ["a.rs b.rs"]);
        let b = ("b.rs", "pub struct B;");
        assert!(circles(&[("lib.rs", "mod a; mod b;"), a, b]).is_empty());
    }

    #[test]
    fn a_circle_of_three_is_one_group() {
        let lib = ("lib.rs", "mod a; mod b; mod c;");
        let a = ("a.rs", "use crate::{b::B as Other}; pub struct A;");
        let b = ("b.rs", "pub struct B; fn c() { super::c::go() }");
        let c = ("c.rs", "pub fn go() { select! { _ = on() => { vec![crate::a::A] } } }");
        assert_eq!(circles(&[lib, a, b, c]), ["a.rs b.rs c.rs"]);
    }

    #[test]
    fn parent_and_child_are_a_circle_if_both_name_items_of_the_other() {
        let lib = ("lib.rs", "mod a;");
        let child = ("a/b.rs", "use super::A; pub struct B(A);");
        let parent = ("a.rs", "mod b; pub struct A; fn f(_: b::B) {}");
        assert_eq!(circles(&[lib, parent, child]), ["a/b.rs a.rs"]);
        let parent = ("a.rs", "mod b; pub use self::b::B; pub struct A;");
        assert_eq!(circles(&[lib, parent, child]), ["a/b.rs a.rs"]);
    }

    #[test]
    fn an_impl_in_a_child_file_is_no_circle() {
        let lib = ("lib.rs", "mod a;");
        let parent = ("a.rs", "mod b; pub struct A; impl A { fn go(&self) { self.on(); } }");
        let child = ("a/b.rs", "use super::A; impl A { pub(super) fn on(&self) {} }");
        assert!(circles(&[lib, parent, child]).is_empty());
    }

    #[test]
    fn a_re_export_leads_to_the_file_that_defines_the_item() {
        let lib = ("lib.rs", "mod a; mod b; mod all { pub use crate::a::*; } pub use all::A as X;");
        let a = ("a.rs", "pub use crate::b::B; pub struct A;");
        let b = ("b.rs", "pub struct B; fn f(_: crate::X) {}");
        assert_eq!(circles(&[lib, a, b]), ["a.rs b.rs"]);
        // Through the re-export in a.rs, b.rs names only itself.
        let b = ("b.rs", "pub struct B; fn f(_: crate::a::B) {}");
        assert!(circles(&[lib, a, b]).is_empty());
    }

    #[test]
    fn a_glob_imports_the_file_of_the_module_except_in_tests() {
        let lib = ("lib.rs", "mod a; mod b;");
        let a = ("a.rs", "use crate::b::*; pub struct A;");
        let b = ("b.rs", "pub use crate::a::A; pub struct B;");
        assert_eq!(circles(&[lib, a, b]), ["a.rs b.rs"]);
        let b = ("b.rs", "pub struct B; #[cfg(test)] mod tests { use super::*; fn f(_: B) {} }");
        assert!(circles(&[lib, a, b]).is_empty());
        let b = ("b.rs", "pub struct B; #[cfg(test)] mod tests;");
        assert!(circles(&[lib, a, b, ("b/tests.rs", "use super::*; fn f(_: B) {}")]).is_empty());
    }

    #[test]
    fn names_are_looked_up_where_they_stand() {
        let lib = ("lib.rs", "mod a; mod b;");
        // `B` of an inner module, of a generic, and of another crate are not `b::B`.
        let a = (
            "a.rs",
            "pub struct A; mod inner { struct B; fn f(_: B) {} fn g<B>(_: B, _: c::B) {} }",
        );
        let b = ("b.rs", "pub struct B; fn f() { use crate::a::A; let _ = A; }");
        assert!(circles(&[lib, a, b]).is_empty());
        let a = ("a.rs", "pub struct A; mod inner { use super::super::b; fn f(_: b::B) {} }");
        assert_eq!(circles(&[lib, a, b]), ["a.rs b.rs"]);
    }

    #[test]
    fn a_module_and_a_function_of_one_name_are_two_things() {
        let lib = ("lib.rs", "mod run; mod a; fn run() { a::go() }");
        let run = ("run.rs", "pub struct Run;");
        let a = ("a.rs", "use super::run; pub fn go() { let _ = run::Run; }");
        assert!(circles(&[lib, run, a]).is_empty());
        let a = ("a.rs", "use super::run; pub fn go() { run() }");
        assert_eq!(circles(&[lib, run, a]), ["a.rs lib.rs"]);
    }
}
