//! Lines in, lines out: what arrives never tears the line that is being typed.
//!
//! On a terminal rustyline edits the input line in a thread of its own and prints above it what
//! another thread hands over. That printing can block until the input line is read on, so the
//! program itself never prints: it queues. Without a terminal both are plain lines.

use std::io::{self, BufRead, IsTerminal, Write};
use std::thread;
use std::time::Duration;

use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;
use rustyline::{ColorMode, Config, Editor, ExternalPrinter};
use tokio::sync::mpsc::{self, Permit};
use tokio::sync::oneshot;

use crate::{output, suspend};

/// How many texts may wait to be printed before no more events are taken.
const QUEUE: usize = 100;

/// How long the last texts may take.
const LAST: Duration = Duration::from_secs(1);

/// The lines of the user.
pub(crate) struct Input {
    asks: mpsc::Sender<Ask>,
    lines: mpsc::Receiver<String>,
    /// Where replies go; on a terminal the reader shows them.
    replies: Option<mpsc::Sender<String>>,
}

/// The way to the screen.
pub(crate) struct Output {
    prints: mpsc::Sender<String>,
    /// Resolves when everything is printed, or cannot be.
    printed: oneshot::Receiver<()>,
}

/// The text before the input line.
#[derive(Default)]
pub(crate) struct Prompt {
    /// Without colours.
    pub(crate) plain: String,
    /// With colours.
    pub(crate) painted: String,
}

/// A request for the next line.
struct Ask {
    /// The answer to the line before.
    reply: String,
    prompt: Prompt,
}

type Read = Box<dyn FnMut(&Ask) -> Option<String> + Send>;
type Print = Box<dyn FnMut(String) -> io::Result<()> + Send>;

/// Takes over standard input and output.
pub(crate) fn open(colours: bool) -> (Input, Output) {
    let (prints, queued) = mpsc::channel(QUEUE);
    let (replies, (read, print)) = match on_terminal(colours) {
        Some(both) => (None, both),
        None => (Some(prints.clone()), plain()),
    };
    let (asks, asked) = mpsc::channel(1);
    let (answer, lines) = mpsc::channel(1);
    let (done, printed) = oneshot::channel();
    thread::spawn(move || read_lines(asked, &answer, read));
    thread::spawn(move || print_lines(queued, done, print));
    (Input { asks, lines, replies }, Output { prints, printed })
}

impl Input {
    /// Returns whether what the user types stays on the screen.
    pub(crate) fn is_seen(&self) -> bool {
        self.replies.is_none() || io::stdin().is_terminal()
    }

    /// Shows the answer to the last line, and begins to read the next. Call it once per line.
    pub(crate) async fn ask(&self, reply: Option<String>, prompt: Prompt) {
        let mut reply = reply.map(|text| text + "\n").unwrap_or_default();
        if let Some(replies) = &self.replies {
            // If the printer has ended, `Output::room` says so.
            let _ = replies.send(std::mem::take(&mut reply)).await;
        }
        // If the reader has ended, `line` says so.
        let _ = self.asks.send(Ask { reply, prompt }).await;
    }

    /// Waits for the line that was asked for; `None` at the end of the input. Safe to cancel.
    pub(crate) async fn line(&mut self) -> Option<String> {
        self.lines.recv().await
    }
}

impl Output {
    /// Waits for room to print lines, each with its line break; `None` if printing has
    /// become impossible. Safe to cancel.
    pub(crate) async fn room(&self) -> Option<Permit<'_, String>> {
        self.prints.reserve().await.ok()
    }

    /// Waits until printing has become impossible. Safe to cancel.
    pub(crate) async fn ended(&self) {
        self.prints.closed().await;
    }

    /// Ends both when what was printed is on the screen.
    pub(crate) async fn close(self, input: Input) {
        drop((self.prints, input));
        // It may be a pipe that is not read.
        let _ = tokio::time::timeout(LAST, self.printed).await;
    }
}

/// Reads a line each time that one is asked for, until the end of the input.
fn read_lines(mut asked: mpsc::Receiver<Ask>, answer: &mpsc::Sender<String>, mut read: Read) {
    suspend::take();
    while let Some(ask) = asked.blocking_recv() {
        match read(&ask).map(|line| answer.blocking_send(line)) {
            Some(Ok(())) => {}
            None | Some(Err(_)) => return,
        }
    }
}

/// Prints until there is no more to come, or nowhere to print to.
fn print_lines(mut queued: mpsc::Receiver<String>, done: oneshot::Sender<()>, mut print: Print) {
    while let Some(text) = queued.blocking_recv() {
        if print(text).is_err() {
            break;
        }
    }
    // `close` may have given up waiting.
    let _ = done.send(());
}

/// Opens an input line that can be edited, below all that is printed; `None` without a terminal
/// that can do that.
fn on_terminal(colours: bool) -> Option<(Read, Print)> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return None;
    }
    let mode = if colours { ColorMode::Enabled } else { ColorMode::Disabled };
    let config = Config::builder().auto_add_history(true).color_mode(mode).build();
    let mut editor = Editor::<(), _>::with_history(config, MemHistory::new()).ok()?;
    // Without a helper prompts have no colours.
    editor.set_helper(Some(()));
    let mut printer = editor.create_external_printer().ok()?;
    let read = move |ask: &Ask| {
        write(&output::fit(&ask.reply)).ok()?;
        loop {
            match editor.readline(&(&ask.prompt.plain, &ask.prompt.painted)) {
                Ok(line) => return Some(line),
                Err(ReadlineError::Signal(_)) => {}
                // Ctrl-C, Ctrl-D, or the terminal is gone.
                Err(_) => return None,
            }
        }
    };
    let print = move |text: String| printer.print(output::fit(&text)).map_err(io::Error::other);
    Some((Box::new(read), Box::new(print)))
}

/// Reads and prints plain lines, for scripts.
fn plain() -> (Read, Print) {
    let read = |_: &Ask| {
        let mut line = Vec::new();
        match io::stdin().lock().read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(String::from_utf8_lossy(&line).into_owned()),
        }
    };
    (Box::new(read), Box::new(|text| write(&text)))
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
