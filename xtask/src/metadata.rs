//! What cargo says of the packages of a workspace.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::commands::answer;

/// The packages of a workspace.
pub(crate) struct Metadata {
    packages: Vec<Value>,
}

impl Metadata {
    /// Asks cargo for the packages of the workspace at `root`.
    pub(crate) fn of(root: &Path) -> Result<Self, String> {
        let mut cargo = Command::new(crate::commands::cargo_program());
        cargo.args(["metadata", "--no-deps", "--format-version=1"]).current_dir(root);
        let text = answer(&mut cargo).ok_or("cargo metadata fails")?;
        let metadata: Value =
            serde_json::from_str(&text).map_err(|error| format!("cargo metadata: {error}"))?;
        let packages = metadata["packages"].as_array().cloned().unwrap_or_default();
        Ok(Self { packages })
    }

    /// Returns the packages of the workspace.
    pub(crate) fn packages(&self) -> impl Iterator<Item = Package<'_>> {
        self.packages.iter().map(Package::of)
    }

    /// Returns the package that has a program of this name.
    pub(crate) fn package_of_program(&self, name: &str) -> Option<Package<'_>> {
        self.packages().find(|package| package.has("bin", Some(name)))
    }

    /// Returns the root files of all libraries, programs, tests, examples and benchmarks.
    pub(crate) fn crate_roots(&self) -> Vec<PathBuf> {
        let targets = self.packages.iter().filter_map(|package| package["targets"].as_array());
        let paths = targets.flatten().filter_map(|target| target["src_path"].as_str());
        paths.map(PathBuf::from).collect()
    }
}

/// A package of a workspace.
pub(crate) struct Package<'a> {
    said: &'a Value,
}

impl<'a> Package<'a> {
    /// Returns the package that cargo describes like this.
    pub(crate) const fn of(said: &'a Value) -> Self {
        Self { said }
    }

    pub(crate) fn name(&self) -> &'a str {
        self.said["name"].as_str().unwrap_or_default()
    }

    pub(crate) fn version(&self) -> &'a str {
        self.said["version"].as_str().unwrap_or_default()
    }

    /// Returns the address of the repository; empty if none is named.
    pub(crate) fn repository(&self) -> &'a str {
        self.said["repository"].as_str().unwrap_or_default()
    }

    pub(crate) fn rust_version(&self) -> Option<&'a str> {
        self.said["rust_version"].as_str()
    }

    /// Returns the names of the features, `default` included.
    pub(crate) fn features(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.said["features"].as_object().into_iter().flat_map(|it| it.keys()).map(String::as_str)
    }

    /// Returns the names of the features that are on by default.
    pub(crate) fn default_features(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let features = self.said["features"]["default"].as_array();
        features.into_iter().flatten().filter_map(Value::as_str)
    }

    /// Returns whether it may be published.
    pub(crate) fn is_published(&self) -> bool {
        self.said["publish"].is_null()
    }

    /// Returns whether it may be published, and is a library for others with no program in it.
    pub(crate) fn is_published_library(&self) -> bool {
        self.is_published() && self.has("lib", None) && !self.has("bin", None)
    }

    /// Returns whether it has a target of this kind, and of this name if one is given.
    fn has(&self, kind: &str, name: Option<&str>) -> bool {
        let mut targets = self.said["targets"].as_array().into_iter().flatten();
        targets.any(|it| it["kind"][0] == kind && name.is_none_or(|name| it["name"] == name))
    }
}
