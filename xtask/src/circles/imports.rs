//! Which file of a crate imports which, and for what.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use super::graph::Graph;
use super::names::{Resolver, Target};
use super::source::Crate;
use crate::workspace;

/// What is imported, by importing and imported file: the names and the first line of each.
#[derive(Default)]
pub(super) struct Imports {
    edges: BTreeMap<(PathBuf, PathBuf), BTreeMap<String, usize>>,
}

impl Imports {
    /// Finds the imports between the files of a crate.
    pub(super) fn of(krate: &Crate) -> Self {
        let mut imports = Self::default();
        let mut resolver = Resolver::new(krate);
        for (id, module) in krate.modules.iter().enumerate() {
            let file = |module: usize| &*krate.modules[module].file;
            for named in &module.paths {
                let targets = resolver.resolve(id, &named.path);
                // A `use` of a module and a function of the same name: what is called says which.
                let is_module = targets.iter().any(|target| matches!(target, Target::Module(_)));
                for target in targets.into_iter().filter(|_| !(named.in_use && is_module)) {
                    if let Target::Value(owner, name) | Target::Type(owner, name) = target {
                        imports.add(&module.file, file(owner), name, named.line);
                    }
                }
            }
            for glob in module.globs.iter().filter(|glob| !glob.of_tests) {
                for target in resolver.resolve(id, &glob.path) {
                    let (Target::Value(owner, _) | Target::Type(owner, _) | Target::Module(owner)) =
                        target;
                    let name = format!("{}::*", glob.path.join("::"));
                    imports.add(&module.file, file(owner), name, glob.line);
                }
            }
        }
        imports
    }

    fn add(&mut self, from: &Path, to: &Path, name: String, line: usize) {
        if from != to {
            let names = self.edges.entry((from.to_owned(), to.to_owned())).or_default();
            names.entry(name).or_insert(line);
        }
    }

    /// Returns which files each file imports.
    pub(super) fn graph(&self) -> Graph<PathBuf> {
        let mut graph = Graph::new();
        for (from, to) in self.edges.keys() {
            graph.entry(from.clone()).or_insert_with(BTreeSet::new).insert(to.clone());
        }
        graph
    }

    /// Returns the imports between these files.
    pub(super) fn inside(&self, files: &BTreeSet<PathBuf>) -> Self {
        let edges = self.edges.iter();
        let edges = edges.filter(|((from, to), _)| files.contains(from) && files.contains(to));
        Self { edges: edges.map(|(files, names)| (files.clone(), names.clone())).collect() }
    }

    /// Adds the imports that the same files have in another crate.
    pub(super) fn merge(&mut self, other: Self) {
        for (files, names) in other.edges {
            self.edges.entry(files).or_default().extend(names);
        }
    }
}

/// One line for each pair of files, with the names and where they stand.
impl fmt::Display for Imports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ((from, to), names) in &self.edges {
            let [from, to] = [from, to].map(|path| workspace::relative(path));
            let names: Vec<String> =
                names.iter().map(|(name, line)| format!("{name} (line {line})")).collect();
            writeln!(f, "  {} -> {}: {}", from.display(), to.display(), names.join(", "))?;
        }
        Ok(())
    }
}
