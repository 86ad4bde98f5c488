//! What a path leads to.

use std::collections::BTreeSet;

use super::source::{Crate, Definition, ModuleId};

/// What a path leads to in its own crate.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    /// The function, constant or static of that name.
    Value(ModuleId, String),
    /// The type or trait of that name, or something in it.
    Type(ModuleId, String),
    Module(ModuleId),
}

/// Follows paths through modules, imports and re-exports.
pub(super) struct Resolver<'a> {
    krate: &'a Crate,
    /// The names that are being looked up: re-exports may lead in a circle.
    open: BTreeSet<(ModuleId, String)>,
}

impl<'a> Resolver<'a> {
    pub(super) const fn new(krate: &'a Crate) -> Self {
        Self { krate, open: BTreeSet::new() }
    }

    /// Returns everything that `path` may mean in this module; nothing if it leads to another
    /// crate.
    pub(super) fn resolve(&mut self, from: ModuleId, path: &[String]) -> BTreeSet<Target> {
        let mut here = from;
        let mut rest = path;
        while let [first, others @ ..] = rest {
            match &**first {
                "crate" => here = 0,
                "super" => here = self.krate.modules[here].parent.unwrap_or(0),
                "self" => {}
                _ => break,
            }
            rest = others;
        }
        let mut targets = BTreeSet::from([Target::Module(here)]);
        for name in rest {
            let next = targets.into_iter().flat_map(|target| match target {
                Target::Module(module) => self.look_up(module, name, from),
                // An associated item or a variant.
                item @ Target::Type(..) => BTreeSet::from([item]),
                Target::Value(..) => BTreeSet::new(),
            });
            targets = next.collect();
        }
        targets
    }

    /// Returns what `name` may be in `module`, seen from the module `viewer`.
    fn look_up(&mut self, module: ModuleId, name: &str, viewer: ModuleId) -> BTreeSet<Target> {
        let krate = self.krate;
        let key = (module, name.to_owned());
        if !self.open.insert(key.clone()) {
            return BTreeSet::new();
        }
        let sees = |public: bool| public || krate.is_within(viewer, module);
        let mut found = BTreeSet::new();
        for definition in krate.modules[module].names.get(name).into_iter().flatten() {
            match definition {
                Definition::Value => found.extend([Target::Value(module, name.to_owned())]),
                Definition::Type => found.extend([Target::Type(module, name.to_owned())]),
                Definition::Module(id) => found.extend([Target::Module(*id)]),
                Definition::Import { path, public } if sees(*public) => {
                    found.extend(self.resolve(module, path));
                }
                Definition::Import { .. } => {}
            }
        }
        if found.is_empty() {
            for glob in krate.modules[module].globs.iter().filter(|glob| sees(glob.public)) {
                for target in self.resolve(module, &glob.path) {
                    if let Target::Module(opened) = target {
                        found.extend(self.look_up(opened, name, module));
                    }
                }
            }
        }
        self.open.remove(&key);
        found
    }
}
