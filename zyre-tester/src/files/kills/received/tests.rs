//! What is wrong with a received folder is found.

use std::path::PathBuf;

use super::{HIDDEN, ReceivedFolder};
use crate::files::kills::finding::Rule;
use crate::files::kills::publication::Publication;
use crate::files::place::Place;
use crate::files::tree;

/// A received folder that has all, of a publication that has changed a few times.
struct Scene {
    _place: Place,
    published: PathBuf,
    publication: Publication,
    folder: ReceivedFolder,
}

impl Scene {
    fn new() -> Self {
        let place = Place::new(None).unwrap();
        let (published, workshop) = (place.fresh("p").unwrap(), place.fresh("w").unwrap());
        let mut publication = Publication::new(published.clone(), workshop, 1, 50_000);
        for _ in 0..10 {
            publication.change().unwrap();
        }
        let path = place.path().join("folder");
        tree::copy(&published, &path).unwrap();
        for state in ["lock", "journal"] {
            std::fs::create_dir_all(path.join(HIDDEN).join("partial")).unwrap();
            std::fs::write(path.join(HIDDEN).join(state), "state").unwrap();
        }
        Self {
            _place: place,
            published,
            publication,
            folder: ReceivedFolder::new("folder".into(), path),
        }
    }

    /// A file of more than one byte.
    fn some(&mut self) -> (String, PathBuf) {
        let long = self.publication.now().iter().find(|(_, now)| now.content.size > 1);
        let name = long.map(|(name, _)| name.clone()).unwrap();
        let path = self.folder.path.join(&name);
        (name, path)
    }

    /// The rules that are violated, at a look and in the end.
    fn rules(&mut self) -> (Vec<Rule>, Vec<Rule>) {
        let looked = self.folder.look(&self.publication, false).unwrap();
        let unsettled = self.folder.unsettled(&self.publication);
        let rules = |findings: Vec<super::Finding>| findings.iter().map(|f| f.rule).collect();
        (rules(looked), rules(unsettled))
    }
}

#[test]
fn nothing_is_wrong_with_a_copy() {
    let mut scene = Scene::new();
    assert_eq!(scene.rules(), (vec![], vec![]));
    assert_eq!(scene.folder.wants(&scene.publication), 0);
    let first = scene.folder.looked.files;
    assert_eq!(first as usize, scene.publication.now().len());
    assert_eq!(scene.rules(), (vec![], vec![]));
    assert_eq!(scene.folder.looked.files, first, "nothing is read twice");
}

#[test]
fn a_partial_file_and_a_wrong_byte_are_found_under_a_final_name() {
    for cut in [true, false] {
        let mut scene = Scene::new();
        assert_eq!(scene.rules(), (vec![], vec![]));
        let (name, path) = scene.some();
        let mut content = std::fs::read(&path).unwrap();
        if cut {
            content.pop();
        } else if let Some(byte) = content.last_mut() {
            *byte ^= 1;
        }
        // As a receiver does that was seen before: another file in its place.
        let other = path.with_extension("other");
        std::fs::write(&other, &content).unwrap();
        std::fs::rename(&other, &path).unwrap();
        let findings = scene.folder.look(&scene.publication, false).unwrap();
        // And what was there is not any more, which is found as well.
        assert!(findings.iter().any(|found| found.rule == Rule::Wrong), "{findings:?}");
        assert!(findings.iter().all(|found| found.name == name), "{findings:?}");
    }
}

#[test]
fn another_name_s_content_is_wrong() {
    let mut scene = Scene::new();
    let (_, path) = scene.some();
    let other = scene.folder.path.join("never published");
    std::fs::copy(path, other).unwrap();
    assert_eq!(scene.rules().0, [Rule::Wrong]);
}

#[test]
fn an_older_generation_is_right_while_things_happen_and_lost_in_the_end() {
    let mut scene = Scene::new();
    assert_eq!(scene.rules(), (vec![], vec![]));
    let before = scene.publication.now().clone();
    while scene.publication.now() == &before {
        scene.publication.change().unwrap();
    }
    let (looked, unsettled) = scene.rules();
    assert_eq!(looked, [], "what was published once is right");
    assert!(unsettled.contains(&Rule::Lost), "{unsettled:?}");
    assert!(scene.folder.wants(&scene.publication) > 0);
}

#[test]
fn what_goes_away_without_having_been_removed_is_found_once() {
    let mut scene = Scene::new();
    assert_eq!(scene.rules(), (vec![], vec![]));
    let (_, path) = scene.some();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(scene.rules(), (vec![Rule::Vanished], vec![Rule::Lost]));
    assert_eq!(scene.rules(), (vec![], vec![Rule::Lost]));
}

#[test]
fn what_is_lost_too_many_or_left_over_is_found_in_the_end() {
    let mut scene = Scene::new();
    let (name, path) = scene.some();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(scene.rules(), (vec![], vec![Rule::Lost]), "it was never looked at");
    std::fs::copy(scene.published.join(&name), &path).unwrap();
    assert_eq!(scene.rules(), (vec![], vec![]));

    let partial = scene.folder.path.join(HIDDEN).join("partial/x");
    std::fs::write(&partial, "x").unwrap();
    assert_eq!(scene.rules(), (vec![], vec![Rule::Leftover]));
    std::fs::remove_file(&partial).unwrap();

    // Deletes until one is seen that the folder does not know of.
    let before = scene.publication.now().len();
    while scene.publication.now().len() >= before {
        scene.publication.change().unwrap();
    }
    let (looked, unsettled) = scene.rules();
    assert_eq!(looked, []);
    assert!(unsettled.contains(&Rule::Extra), "{unsettled:?}");
}
