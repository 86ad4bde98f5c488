//! A program in a pseudo-terminal, and what its screen shows.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that waits in vain has failed")]

use std::io::{Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::picture;
use crate::wait::{DEADLINE, blocking_until};

/// Lines that are remembered after they have left the screen.
const TALL: u16 = 1000;

/// A program in a pseudo-terminal. Killed when dropped.
pub struct Screen {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    views: Arc<Mutex<Views>>,
    /// The settings of the terminal before.
    before: String,
}

/// The same output on two screens.
struct Views {
    shown: vt100::Parser,
    /// One on which nothing leaves at the top.
    all: vt100::Parser,
}

/// Returns how the terminal is set up: the same text if nothing has changed.
#[cfg(unix)]
fn settings(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios())
}

/// A terminal has no such settings here.
#[cfg(not(unix))]
const fn settings(_master: &dyn MasterPty) -> String {
    String::new()
}

impl Screen {
    /// Starts a program in a terminal with this number of rows and columns.
    ///
    /// # Panics
    /// It cannot be started.
    pub fn start(
        program: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
        [rows, cols]: [u16; 2],
    ) -> Self {
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(program);
        command.env("TERM", "xterm-256color");
        for (name, value) in environment {
            command.env(name, value);
        }
        command.args(arguments);
        let before = settings(&*pair.master);
        let child = pair.slave.spawn_command(command).expect("the program starts");
        let keys = pair.master.take_writer().expect("keys can be pressed");
        let mut output = pair.master.try_clone_reader().expect("the screen can be read");
        let (shown, all) = (parser(rows, cols), parser(TALL, cols));
        let views = Arc::new(Mutex::new(Views { shown, all }));
        let theirs = Arc::clone(&views);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                let mut views = lock(&theirs);
                views.shown.process(&bytes[..count]);
                views.all.process(&bytes[..count]);
            }
        });
        Self { child, master: pair.master, keys, views, before }
    }

    /// Presses keys.
    ///
    /// # Panics
    /// The terminal is gone.
    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("the terminal takes keys");
        self.keys.flush().expect("the terminal takes keys");
    }

    /// Changes the size of the terminal.
    ///
    /// # Panics
    /// The terminal is gone.
    pub fn resize(&self, rows: u16, cols: u16) {
        let mut views = lock(&self.views);
        views.shown.screen_mut().set_size(size(rows), size(cols));
        views.all.screen_mut().set_size(size(TALL), size(cols));
        drop(views);
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        self.master.resize(size).expect("the terminal has a size");
    }

    /// Returns what the screen shows.
    pub fn text(&self) -> String {
        let contents = lock(&self.views).shown.screen().contents();
        contents.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
    }

    /// Returns what the screen shows as SVG, with its colours.
    pub fn picture(&self) -> String {
        picture::svg(lock(&self.views).shown.screen())
    }

    /// Returns what the screen has shown so far, line by line; a line that was too long for it is cut.
    pub fn lines(&self) -> Vec<String> {
        let views = lock(&self.views);
        let screen = views.all.screen();
        let (_, cols) = screen.size();
        screen.rows(0, cols.get()).map(|line| line.trim_end().to_owned()).collect()
    }

    /// Returns the lines that were too long for the screen so far, though they could have been cut between
    /// words.
    pub fn too_long(&self) -> Vec<String> {
        let views = lock(&self.views);
        let screen = views.all.screen();
        let (rows, cols) = screen.size();
        let lines: Vec<String> = screen.rows(0, cols.get()).collect();
        let wrapped = (0..rows.get()).filter(|row| screen.row_wrapped(*row));
        let lines = wrapped.filter_map(|row| lines.get(usize::from(row)));
        lines.filter(|line| line.trim_start().contains(' ')).cloned().collect()
    }

    /// Returns whether it uses a screen of its own, as programs do that fill it.
    pub fn is_alternate(&self) -> bool {
        lock(&self.views).shown.screen().alternate_screen()
    }

    /// Returns whether the terminal is set up as it was before the program.
    pub fn is_as_before(&self) -> bool {
        settings(&*self.master) == self.before
    }

    /// Returns the id of the process.
    ///
    /// # Panics
    /// It has none.
    pub fn process_id(&self) -> u32 {
        self.child.process_id().expect("a process has an id")
    }

    /// Waits until the screen shows a text.
    ///
    /// # Panics
    /// It does not.
    pub fn shows(&self, text: &str) {
        self.waits(|shown| shown.contains(text), &format!("it does not show {text:?}"));
    }

    /// Waits until what the screen shows `is_right`. Unlike
    /// [`blocking_until`], tells what it shows in the end.
    ///
    /// # Panics
    /// It is not, within [`DEADLINE`].
    pub fn waits(&self, is_right: impl Fn(&str) -> bool, otherwise: &str) {
        let start = Instant::now();
        while !is_right(&self.text()) {
            assert!(start.elapsed() < DEADLINE, "{otherwise}\nbut:\n{}", self.text());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits for the end. Returns the exit status.
    ///
    /// # Panics
    /// It does not end.
    pub fn status(&mut self) -> u32 {
        let mut status = None;
        blocking_until("the program ends", || {
            status = self.child.try_wait().ok().flatten();
            status.is_some()
        });
        status.expect("it has ended").exit_code()
    }

    /// Waits for the end, and checks that the terminal is as it was. Returns the exit status.
    ///
    /// # Panics
    /// It does not end, or leaves the terminal in another state.
    pub fn ends(mut self) -> u32 {
        let status = self.status();
        assert!(self.is_as_before(), "the settings of the terminal");
        blocking_until("the screen from before is back", || {
            let views = lock(&self.views);
            let screen = views.shown.screen();
            !screen.alternate_screen() && !screen.hide_cursor()
        });
        status
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn parser(rows: u16, columns: u16) -> vt100::Parser {
    vt100::Parser::new(size(rows), size(columns), 0)
}

fn size(size: u16) -> std::num::NonZero<u16> {
    std::num::NonZero::new(size).expect("not 0")
}

fn lock(views: &Mutex<Views>) -> MutexGuard<'_, Views> {
    views.lock().unwrap_or_else(PoisonError::into_inner)
}
