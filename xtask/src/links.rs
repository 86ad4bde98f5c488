//! The links of the documentation: in the pages that rustdoc has built, and in the Markdown files of the
//! root. rustdoc itself checks names of items, and neither paths nor places within a page.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::workspace;

/// The libraries whose pages are checked.
const LIBRARIES: [&str; 5] = ["zyre", "zre_proto", "zmtp", "filemq", "zyre_logger"];
/// Links in texts that rustdoc takes over from traits of other crates. They lead nowhere here.
const FOREIGN: [&str; 2] = ["dispatcher#setting-the-default-subscriber", "Stream::poll_next"];

/// What a page has that rustdoc makes for an item which is shown elsewhere.
const LEADS_ON: &str = "http-equiv=\"refresh\"";

/// The places within each page that was looked at, by its path; `None` of a page that leads on to another.
type Places = BTreeMap<PathBuf, Option<BTreeSet<String>>>;

/// Checks all links that lead to files here.
///
/// # Errors
/// Names each link that leads nowhere, and the file it is in.
pub(crate) fn check() -> Result<(), String> {
    let mut wrong = Vec::new();
    for library in LIBRARIES {
        let directory = workspace::target().join("doc").join(library);
        wrong.extend(wrong_in(&files(&directory, "html")?)?);
    }
    let here = fs::read_dir(workspace::root()).map_err(|error| error.to_string())?;
    let here = here.filter_map(|entry| Some(entry.ok()?.path()));
    let markdown: Vec<_> =
        here.filter(|path| path.extension().is_some_and(|it| it == "md")).collect();
    wrong.extend(wrong_in(&markdown)?);
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// Returns the files with this extension below a directory.
fn files(directory: &Path, extension: &str) -> Result<Vec<PathBuf>, String> {
    let describe = |error: std::io::Error| format!("{}: {error}", directory.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(describe)? {
        let path = entry.map_err(describe)?.path();
        if path.is_dir() {
            found.extend(files(&path, extension)?);
        } else if path.extension().is_some_and(|it| it == extension) {
            found.push(path);
        }
    }
    Ok(found)
}

/// Describes the links in these files that lead nowhere.
fn wrong_in(files: &[PathBuf]) -> Result<Vec<String>, String> {
    let (mut places, mut wrong) = (Places::new(), Vec::new());
    for file in files {
        for link in links(file, &read(file)?) {
            if !FOREIGN.contains(&&*link) && !leads_somewhere(file, &link, &mut places)? {
                wrong
                    .push(format!("{}: {link} leads nowhere", workspace::relative(file).display()));
            }
        }
    }
    Ok(wrong)
}

fn read(file: &Path) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}

fn is_markdown(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "md")
}

/// Returns the links in a text that lead to files here, or to a place within the text.
fn links(file: &Path, text: &str) -> Vec<String> {
    let (begin, end) = if is_markdown(file) { ("](", ')') } else { ("href=\"", '"') };
    let links = text.split(begin).skip(1).filter_map(|rest| Some(rest.split_once(end)?.0));
    let links = links.map(|link| link.replace("&amp;", "&").replace("&#39;", "'"));
    // `${` stands in the program of a page.
    links.filter(|link| !link.contains(':') && !link.contains("${")).collect()
}

fn leads_somewhere(file: &Path, link: &str, places: &mut Places) -> Result<bool, String> {
    let (path, place) = link.split_once('#').unwrap_or((link, ""));
    let mut target = match (path, file.parent()) {
        ("", _) | (_, None) => file.to_owned(),
        (path, Some(directory)) => directory.join(path),
    };
    if target.is_dir() && !is_markdown(file) {
        target.push("index.html");
    }
    // The pages of sources have a place for each line.
    if place.is_empty() || target.components().any(|part| part.as_os_str() == "src") {
        return Ok(target.exists());
    }
    if !target.exists() {
        return Ok(false);
    }
    if !places.contains_key(&target) {
        let text = read(&target)?;
        let found = (!text.contains(LEADS_ON)).then(|| places_in(&target, &text));
        places.insert(target.clone(), found);
    }
    let found = places.get(&target).and_then(Option::as_ref);
    Ok(found.is_none_or(|places| places.contains(place)))
}

/// Returns the places within a page that a link can name.
fn places_in(file: &Path, text: &str) -> BTreeSet<String> {
    if !is_markdown(file) {
        let ids = text.split(" id=\"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0));
        return ids.map(|id| id.replace("&amp;", "&").replace("&#39;", "'")).collect();
    }
    let headings = text.lines().filter_map(|line| line.trim_start_matches('#').strip_prefix(' '));
    let slug = |heading: &str| {
        let lower = heading.to_lowercase();
        let kept = lower.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(slug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_nowhere_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let page = write(
            "index.html",
            "<a href=\"other.html#x\"> <a href=\"other.html#y\"> <a href=\"gone.html\"> \
             <a href=\"on.html#z\"> <a href=\"#self\" id=\"self\"> <a href=\"https://example.org/gone\">",
        );
        write("other.html", "<h2 id=\"x\">");
        write("on.html", "<meta http-equiv=\"refresh\" content=\"0;URL=other.html\">");
        let text = write("a.md", "# Two words\n[a](#two-words) [b](#three) [c](gone.md) [d](a.md)");
        let wrong = |file| {
            let wrong = wrong_in(&[file]).unwrap();
            let ends = wrong.iter().map(|line| line.split(' ').nth(1).unwrap().to_owned());
            ends.collect::<Vec<_>>()
        };
        assert_eq!(wrong(page), ["other.html#y", "gone.html"]);
        assert_eq!(wrong(text), ["#three", "gone.md"]);
    }
}
