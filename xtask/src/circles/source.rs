//! The modules of a crate: which file each is in, what it defines, and what it names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::visit::{self, Visit};

/// The number of a module in its crate. The root is 0.
pub(super) type ModuleId = usize;

/// A crate: the root file of a library, program, test, example or benchmark, and all below it.
pub(super) struct Crate {
    pub(super) modules: Vec<Module>,
}

/// A module, in a file of its own or not.
pub(super) struct Module {
    pub(super) parent: Option<ModuleId>,
    pub(super) file: PathBuf,
    /// What is in scope by its name, also inside functions. One name may mean several things.
    pub(super) names: BTreeMap<String, Vec<Definition>>,
    pub(super) globs: Vec<Glob>,
    /// Every path in the module, and every `use` that is no glob.
    pub(super) paths: Vec<Named>,
}

/// What a name stands for.
pub(super) enum Definition {
    /// A function, constant or static that stands here.
    Value,
    /// Any other item that stands here: paths may go on into it.
    Type,
    Module(ModuleId),
    /// What a `use` brings in.
    Import {
        path: Vec<String>,
        /// Whether other modules can get at it here.
        public: bool,
    },
}

/// A `use path::*`.
pub(super) struct Glob {
    pub(super) path: Vec<String>,
    pub(super) public: bool,
    pub(super) line: usize,
    /// Whether these are the tests of a file, which take all from it.
    pub(super) of_tests: bool,
}

/// A path as it is written, and where.
pub(super) struct Named {
    pub(super) path: Vec<String>,
    pub(super) line: usize,
    pub(super) in_use: bool,
}

impl Crate {
    /// Reads the crate with this root file.
    ///
    /// # Errors
    /// A file of it cannot be read or parsed.
    pub(super) fn read(root: &Path) -> Result<Self, String> {
        let directory = root.parent().unwrap_or(root);
        let mut reader = Reader {
            modules: Vec::new(),
            current: 0,
            directory: directory.to_owned(),
            is_test: false,
            failed: None,
        };
        reader.file(root, None)?;
        Ok(Self { modules: reader.modules })
    }

    /// The files of the crate.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let files: BTreeSet<&Path> = self.modules.iter().map(|module| &*module.file).collect();
        files.into_iter()
    }

    /// Whether `inner` is `outer`, or stands in it.
    pub(super) fn is_within(&self, mut inner: ModuleId, outer: ModuleId) -> bool {
        while inner != outer {
            let Some(parent) = self.modules[inner].parent else { return false };
            inner = parent;
        }
        true
    }
}

/// Goes through the syntax of all files.
struct Reader {
    modules: Vec<Module>,
    /// The module that is read.
    current: ModuleId,
    /// Where the files of its submodules are.
    directory: PathBuf,
    /// Whether it is compiled for tests only.
    is_test: bool,
    /// The first thing that could not be read.
    failed: Option<String>,
}

impl Reader {
    /// Reads a file, as a new module.
    fn file(&mut self, path: &Path, parent: Option<ModuleId>) -> Result<ModuleId, String> {
        let describe = |error: String| format!("{}: {error}", path.display());
        let text = fs::read_to_string(path).map_err(|error| describe(error.to_string()))?;
        let file = syn::parse_file(&text)
            .map_err(|error| describe(format!("line {}: {error}", error.span().start().line)))?;
        let id = self.module(path.to_owned(), parent);
        let outer = std::mem::replace(&mut self.current, id);
        file.items.iter().for_each(|item| self.visit_item(item));
        self.current = outer;
        self.failed.take().map_or(Ok(id), Err)
    }

    fn module(&mut self, file: PathBuf, parent: Option<ModuleId>) -> ModuleId {
        let (names, globs, paths) = (BTreeMap::new(), Vec::new(), Vec::new());
        self.modules.push(Module { parent, file, names, globs, paths });
        self.modules.len() - 1
    }

    fn here(&mut self) -> &mut Module {
        &mut self.modules[self.current]
    }

    fn define(&mut self, name: &syn::Ident, definition: Definition) {
        self.here().names.entry(name.unraw().to_string()).or_default().push(definition);
    }

    /// Reads `mod x { .. }` or `mod x;`.
    fn submodule(&mut self, item: &syn::ItemMod) -> Result<ModuleId, String> {
        let name = item.ident.unraw().to_string();
        let parent = self.current;
        let Some((_, items)) = &item.content else {
            let path = self.file_of(item, &name)?;
            let is_mod_file = path.file_name().is_some_and(|file| file == "mod.rs");
            let directory =
                if is_mod_file { path.with_file_name("") } else { path.with_extension("") };
            let outer = std::mem::replace(&mut self.directory, directory);
            let id = self.file(&path, Some(parent));
            self.directory = outer;
            return id;
        };
        let id = self.module(self.modules[parent].file.clone(), Some(parent));
        let inner = self.directory.join(&name);
        let directory = std::mem::replace(&mut self.directory, inner);
        self.current = id;
        items.iter().for_each(|item| self.visit_item(item));
        self.current = parent;
        self.directory = directory;
        Ok(id)
    }

    /// Where the module is that is said to be there by `mod x;`.
    fn file_of(&self, item: &syn::ItemMod, name: &str) -> Result<PathBuf, String> {
        let here = &self.modules[self.current].file;
        if let Some(path) = path_attribute(&item.attrs) {
            return Ok(normal(&here.with_file_name(path)));
        }
        let places = [format!("{name}.rs"), format!("{name}/mod.rs")];
        let mut places = places.iter().map(|place| self.directory.join(place));
        let missing = || format!("{}: there is no file for `mod {name};`", here.display());
        places.find(|place| place.is_file()).ok_or_else(missing)
    }

    /// Takes in what a `use` says, after `path`.
    fn import(&mut self, path: &[String], tree: &syn::UseTree, public: bool) {
        let with = |name: &syn::Ident| [path, &[name.unraw().to_string()]].concat();
        match tree {
            syn::UseTree::Path(tree) => self.import(&with(&tree.ident), &tree.tree, public),
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.import(path, tree, public));
            }
            syn::UseTree::Name(tree) => self.bring_in(with(&tree.ident), &tree.ident, None, public),
            syn::UseTree::Rename(tree) => {
                self.bring_in(with(&tree.ident), &tree.ident, Some(&tree.rename), public);
            }
            syn::UseTree::Glob(tree) => {
                let line = tree.star_token.spans[0].start().line;
                let in_tests = self.is_test || self.here().file.ends_with("tests.rs");
                let of_tests = in_tests && path.len() == 1 && path[0] == "super";
                self.here().globs.push(Glob { path: path.to_vec(), public, line, of_tests });
            }
        }
    }

    fn bring_in(
        &mut self,
        mut path: Vec<String>,
        last: &syn::Ident,
        rename: Option<&syn::Ident>,
        public: bool,
    ) {
        let mut name = rename.unwrap_or(last).clone();
        if last == "self" {
            path.pop();
            if let (None, Some(module)) = (rename, path.last()) {
                name = syn::Ident::new(module, last.span());
            }
        }
        let line = last.span().start().line;
        self.here().paths.push(Named { path: path.clone(), line, in_use: true });
        if name != "_" {
            self.define(&name, Definition::Import { path, public });
        }
    }
}

impl Reader {
    /// Takes in the paths among the tokens that a macro is called with, which may be anything.
    ///
    /// A single name is no news: it is in scope by a `use`, or stands in the same file.
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let name = |index: usize| match tokens.get(index) {
            Some(TokenTree::Ident(name)) => Some(name.unraw().to_string()),
            _ => None,
        };
        let is_colon = |index: usize| matches!(tokens.get(index), Some(TokenTree::Punct(it)) if it.as_char() == ':');
        let mut index = 0;
        while let Some(token) = tokens.get(index) {
            if let TokenTree::Group(group) = token {
                self.tokens(group.stream());
            }
            // `::name` and `<T>::name` do not begin here.
            let is_inside = index > 1 && is_colon(index - 1) && is_colon(index - 2);
            let mut path: Vec<String> = name(index).into_iter().collect();
            index += 1;
            while is_colon(index) && is_colon(index + 1) {
                let Some(next) = name(index + 2) else { break };
                path.push(next);
                index += 3;
            }
            if path.len() > 1 && !is_inside {
                let line = token.span().start().line;
                self.here().paths.push(Named { path, line, in_use: false });
            }
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let defined = match item {
            syn::Item::Const(it) => Some((&it.ident, Definition::Value)),
            syn::Item::Enum(it) => Some((&it.ident, Definition::Type)),
            syn::Item::Fn(it) => Some((&it.sig.ident, Definition::Value)),
            syn::Item::Static(it) => Some((&it.ident, Definition::Value)),
            syn::Item::Struct(it) => Some((&it.ident, Definition::Type)),
            syn::Item::Trait(it) => Some((&it.ident, Definition::Type)),
            syn::Item::TraitAlias(it) => Some((&it.ident, Definition::Type)),
            syn::Item::Type(it) => Some((&it.ident, Definition::Type)),
            syn::Item::Union(it) => Some((&it.ident, Definition::Type)),
            _ => None,
        };
        if let Some((name, definition)) = defined.filter(|(name, _)| *name != "_") {
            self.define(name, definition);
        }
        visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let is_test = self.is_test || item.attrs.iter().any(is_cfg_test);
        let outer = std::mem::replace(&mut self.is_test, is_test);
        match self.submodule(item) {
            Ok(id) => self.define(&item.ident, Definition::Module(id)),
            Err(error) => self.failed = self.failed.take().or(Some(error)),
        }
        self.is_test = outer;
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if item.leading_colon.is_none() {
            let public = !matches!(item.vis, syn::Visibility::Inherited);
            self.import(&[], &item.tree, public);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            let names = path.segments.iter().map(|it| it.ident.unraw().to_string()).collect();
            let line = path.segments.first().map_or(0, |first| first.ident.span().start().line);
            self.here().paths.push(Named { path: names, line, in_use: false });
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_path(&call.path);
        self.tokens(call.tokens.clone());
    }

    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
}

/// Returns the path without `..`, so that a file has one path only.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(normal.pop()),
            part => normal.push(part),
        }
    }
    normal
}

/// The path in `#[path = "..."]`.
fn path_attribute(attributes: &[syn::Attribute]) -> Option<String> {
    attributes.iter().find_map(|attribute| {
        let syn::Meta::NameValue(meta) = &attribute.meta else { return None };
        let syn::Expr::Lit(value) = &meta.value else { return None };
        let syn::Lit::Str(text) = &value.lit else { return None };
        meta.path.is_ident("path").then(|| text.value())
    })
}

/// Whether this is `#[cfg(test)]` or one of its kind.
fn is_cfg_test(attribute: &syn::Attribute) -> bool {
    let syn::Meta::List(meta) = &attribute.meta else { return false };
    meta.path.is_ident("cfg")
        && meta.tokens.clone().into_iter().any(|token| token.to_string() == "test")
}
