//! Certificates as files of the C library (`zcert`): a key pair, or a public key, in ZPL.
//!
//! ```text
//! #   comment
//! metadata
//!     name = "alice"
//! curve
//!     public-key = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
//!     secret-key = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"
//! ```

use zeroize::Zeroizing;
use zmtp::SecretKey;

/// Spaces by which a value stands below its section.
const INDENT: usize = 4;

/// What a certificate says.
#[derive(Debug, Default)]
pub(super) struct Certificate {
    pub(super) public: Option<zmtp::PublicKey>,
    pub(super) secret: Option<SecretKey>,
}

impl Certificate {
    /// Reads a certificate. What else stands in it is skipped.
    ///
    /// # Errors
    /// What is wrong, and in which line.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut certificate = Self::default();
        let mut section = "";
        for (number, line) in (1..).zip(text.lines()) {
            let told = line.trim_start_matches(' ');
            let depth = line.len() - told.len();
            if told.is_empty() || told.starts_with('#') {
                continue;
            }
            let wrong = |what: &str| format!("line {number}: {what}");
            let (name, value) = split(told).map_err(wrong)?;
            match (depth, section, name) {
                (0, ..) => section = name,
                (INDENT, "curve", "public-key") => {
                    let key = value.parse().map_err(|_| wrong("this is no public key"))?;
                    certificate.public = Some(key);
                }
                (INDENT, "curve", "secret-key") => {
                    let key = value.parse().map_err(|_| wrong("this is no secret key"))?;
                    certificate.secret = Some(key);
                }
                _ => {}
            }
        }
        Ok(certificate)
    }

    /// The text of a key pair, which the C library can read.
    pub(super) fn write(pair: &zmtp::KeyPair) -> Zeroizing<String> {
        // A secret is not copied by growing.
        let mut text = Zeroizing::new(String::with_capacity(1024));
        for part in [
            "#   ZeroMQ CURVE certificate with a **secret** key.\n",
            "#   Keep it secret: with this file anybody can speak in the name of its owner.\n\n",
            "metadata\ncurve\n    public-key = \"",
            &pair.public().to_string(),
            "\"\n    secret-key = \"",
            &pair.secret().to_z85(),
            "\"\n",
        ] {
            text.push_str(part);
        }
        text
    }
}

/// Name and value of a line: `name`, `name = value` or `name = "value"`, with a comment behind it.
fn split(line: &str) -> Result<(&str, &str), &'static str> {
    let end = line.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    let Some(rest) = rest.trim_start().strip_prefix('=') else {
        let is_comment = rest.trim_start().is_empty() || rest.trim_start().starts_with('#');
        return if is_comment { Ok((name, "")) } else { Err("a \"=\" is missing") };
    };
    let rest = rest.trim_start();
    match rest.chars().next().filter(|first| matches!(first, '"' | '\'')) {
        Some(quote) => {
            let value = &rest[quote.len_utf8()..];
            let end = value.find(quote).ok_or("the quotation mark at its end is missing")?;
            Ok((name, &value[..end]))
        }
        // Without quotation marks keys could not have a `#`.
        None => Ok((name, rest.split(char::is_whitespace).next().unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use super::Certificate;

    const PUBLIC: &str = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
    const SECRET: &str = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6";

    #[test]
    fn what_the_c_library_writes_is_read() {
        let text = format!(
            "#   ****  Generated on 2026-09-30 by CZMQ  ****\n\
             #   DO NOT DISTRIBUTE\n\n\
             metadata\n    name = \"alice\"\n    email = 'a # b'\n\
             curve\n    public-key = \"{PUBLIC}\"\n    secret-key = \"{SECRET}\"\n"
        );
        let read = Certificate::read(&text).unwrap();
        assert_eq!(read.public.unwrap().to_string(), PUBLIC);
        assert_eq!(*read.secret.unwrap().to_z85(), SECRET);
        let public = text.replace("    secret-key", "#    secret-key");
        let read = Certificate::read(&public).unwrap();
        assert_eq!(
            (read.public.unwrap().to_string().as_str(), read.secret.is_none()),
            (PUBLIC, true)
        );
    }

    #[test]
    fn a_pair_is_written_as_it_is_read() {
        let pair = zmtp::KeyPair::of(SECRET.parse().unwrap());
        let text = Certificate::write(&pair);
        let read = Certificate::read(&text).unwrap();
        assert_eq!(read.public, Some(pair.public()));
        assert_eq!(*read.secret.unwrap().to_z85(), SECRET);
        assert!(!format!("{:?}", Certificate::read(&text).unwrap()).contains(SECRET));
    }

    #[test]
    fn keys_count_in_their_section_alone() {
        for text in [
            format!("metadata\n    public-key = \"{PUBLIC}\"\n"),
            format!("public-key = \"{PUBLIC}\"\n"),
            format!("curve\n        public-key = \"{PUBLIC}\"\n"),
            format!("curve\n  public-key = \"{PUBLIC}\"\n"),
            String::new(),
        ] {
            assert!(Certificate::read(&text).unwrap().public.is_none(), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_no_secret() {
        for (line, what) in [
            ("    public-key = \"short\"", "line 2: this is no public key"),
            (
                "    public-key = \"0000000000000000000000000000000000000000\"",
                "this is no public key",
            ),
            ("    secret-key = \"hush\"", "line 2: this is no secret key"),
            ("    secret-key = \"hush", "the quotation mark at its end is missing"),
            ("    secret-key hush", "a \"=\" is missing"),
        ] {
            let error = Certificate::read(&format!("curve\n{line}\n")).unwrap_err();
            assert!(error.contains(what) && !error.contains("hush"), "{error}");
        }
    }
}
