//! Pieces of source that are replaced, found by their tokens.

use std::fmt;
use std::ops::Range;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A piece of source, and what stands in for it.
///
/// It is found by its tokens, so neither the layout of the source matters nor which file it is in.
#[derive(Clone, Copy)]
pub(super) struct Edit {
    /// The folder or file to look in.
    pub(super) sources: &'static str,
    /// The function, constant or static to look in. Needed only for what occurs elsewhere as well.
    pub(super) item: Option<&'static str>,
    /// What occurs exactly once there. If empty, `new` goes to the beginning of the function.
    pub(super) old: &'static str,
    pub(super) new: &'static str,
}

/// A token, and where it is in the text.
struct Token {
    text: String,
    range: Range<usize>,
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let stream: TokenStream = text.parse().map_err(|_| "brackets or quotes do not match")?;
    let mut tokens = Vec::new();
    flatten(stream, &mut tokens);
    Ok(tokens)
}

/// A comma before a closing bracket is left out: it comes and goes with the layout.
fn flatten(stream: TokenStream, tokens: &mut Vec<Token>) {
    let mut stream = stream.into_iter().peekable();
    while let Some(tree) = stream.next() {
        let mut push = |text: String, span: proc_macro2::Span| {
            tokens.push(Token { text, range: span.byte_range() });
        };
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                push(open.to_owned(), group.span_open());
                flatten(group.stream(), tokens);
                tokens
                    .push(Token { text: close.to_owned(), range: group.span_close().byte_range() });
            }
            TokenTree::Punct(comma) if comma.as_char() == ',' && stream.peek().is_none() => {}
            tree => push(tree.to_string(), tree.span()),
        }
    }
}

impl Edit {
    /// Returns where in the text of a file `old` is, each time that it occurs.
    ///
    /// # Errors
    /// The text cannot be cut into tokens.
    pub(super) fn places(&self, text: &str) -> Result<Vec<Range<usize>>, String> {
        let old = tokens(self.old)?;
        let words = old.iter().map(|token| &*token.text).chain(self.item);
        if !words.into_iter().all(|word| text.contains(word)) {
            return Ok(Vec::new());
        }
        let tokens = tokens(text)?;
        let items = self.item.map_or_else(|| vec![&tokens[..]], |name| items(&tokens, name));
        if old.is_empty() {
            let begin = |item: &&[Token]| item.first().map(|open| open.range.end..open.range.end);
            return Ok(items.iter().filter_map(begin).collect());
        }
        let windows = items.iter().flat_map(|item| item.windows(old.len()));
        let matching =
            windows.filter(|window| window.iter().zip(&old).all(|(a, b)| a.text == b.text));
        let range = |window: &[Token]| window[0].range.start..window[old.len() - 1].range.end;
        Ok(matching.map(range).collect())
    }
}

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let old = if self.old.is_empty() { "its beginning" } else { self.old };
        match self.item {
            Some(item) => write!(f, "in {}, in `{item}`: {old}", self.sources),
            None => write!(f, "in {}: {old}", self.sources),
        }
    }
}

/// Returns the bodies of the functions of this name, and the values of the constants.
fn items<'a>(tokens: &'a [Token], name: &str) -> Vec<&'a [Token]> {
    let mut items = Vec::new();
    for (index, pair) in tokens.windows(2).enumerate().filter(|(_, pair)| pair[1].text == name) {
        let ends_with = match &*pair[0].text {
            "fn" => "}",
            "const" | "static" => ";",
            _ => continue,
        };
        let mut depth = 0_usize;
        let mut begin = None;
        for (at, token) in tokens.iter().enumerate().skip(index) {
            match &*token.text {
                "(" | "[" | "{" => {
                    if depth == 0 && token.text == "{" {
                        begin = begin.or(Some(at));
                    }
                    depth += 1;
                }
                ")" | "]" | "}" => depth = depth.saturating_sub(1),
                "=" if depth == 0 && ends_with == ";" => begin = begin.or(Some(at)),
                _ => {}
            }
            if depth == 0 && token.text == ends_with {
                items.extend(begin.and_then(|begin| tokens.get(begin..=at)));
                break;
            }
            // A function that is declared only.
            if depth == 0 && token.text == ";" {
                break;
            }
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the text becomes, if there is one place.
    fn edited(text: &str, item: Option<&'static str>, old: &'static str) -> Option<String> {
        let edit = Edit { sources: "", item, old, new: "new" };
        let places = edit.places(text).unwrap();
        let [range] = &places[..] else { return None };
        Some([&text[..range.start], edit.new, &text[range.end..]].concat())
    }

    #[test]
    fn layout_and_comments_do_not_matter() {
        let text =
            "fn a() {\n    // Größe\n    call(\n        one, // why\n        two,\n    );\n}";
        let new = edited(text, None, "call(one, two);").unwrap();
        assert_eq!(new, "fn a() {\n    // Größe\n    new\n}");
        assert!(edited(text, None, "call(one, three);").is_none());
    }

    #[test]
    fn an_item_says_which_of_several_is_meant() {
        let text =
            "fn a() -> [u8; 2] { go(); } fn b() { go(); { go(1); } } const C: u8 = { go() };";
        assert!(edited(text, None, "go()").is_none());
        assert!(edited(text, Some("a"), "go()").unwrap().contains("2] { new; }"));
        assert!(edited(text, Some("b"), "go()").unwrap().contains("b() { new; {"));
        assert!(edited(text, Some("C"), "go()").unwrap().ends_with("{ new };"));
        assert!(edited(text, Some("b"), "").unwrap().contains("fn b() {new go();"));
        assert!(edited(text, Some("d"), "").is_none());
    }
}
