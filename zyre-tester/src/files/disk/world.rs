//! A transfer from disk to disk without sockets, threads, and waiting.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use filemq::disk::{ChunkReader, MountChange, ReceivedFolder, ReceivedWriter, ScannedMount};
use filemq::session::{
    Catalogue, ClientConfig, ClientOutput, ClientSession, Entry, Inventory, JobResult,
    ServerConfig, ServerOutput, ServerSession, ServerSessionEvent, Write, Written,
};
use filemq::{Accept, Audience, FileEvent, MountOptions, ReceivedLimits, VirtualPath};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::faults::Faults;
use super::verdict::{Verdict, tree};
use super::whims::Whims;

const NAMES: [&str; 8] = ["a", "b", "d/a", "d/b", "d/e/f", "g", "h/i", "j"];
const SIZES: [usize; 7] = [0, 1, 1000, 5000, 70_000, 300_000, 1_300_000];

/// How often things happen before all heals.
const ROUNDS: usize = 12;

/// More than enough steps for a world to come to rest.
const MAX_STEPS: usize = 20_000;

/// Within this time the reason has to be told if something is missing: pauses may have grown.
const TELL: Duration = Duration::from_secs(160);

/// The longest that anything is waited for once nothing fails any more.
const PATIENCE: Duration = Duration::from_secs(120);

const ORIGIN: &str = "server";

/// How a schedule went.
pub(super) struct Played {
    pub(super) faults: u64,
    pub(super) refusals: u64,
    pub(super) deliveries: u64,
}

/// Both ends, and what is between them.
pub(super) struct World {
    rng: StdRng,
    now: Instant,
    source: PathBuf,
    target: PathBuf,
    reading: Faults,
    writing: Faults,
    mount: Option<ScannedMount>,
    catalogue: Catalogue,
    folder: Option<ReceivedFolder>,
    connection: Option<Connection>,
    verdict: Verdict,
    stamp: u64,
}

/// A session of each side.
struct Connection {
    server: ServerSession,
    reader: ChunkReader,
    client: ClientSession,
    /// If the application is asked which files it wants.
    whims: Option<Whims>,
    writer: ReceivedWriter,
    /// Orders for the folder.
    writes: Vec<Write>,
    /// Bytes of content that the folder has not dealt with.
    waiting: usize,
    /// Whether orders wait that could not be carried out.
    is_stuck: bool,
}

fn text(error: std::io::Error) -> String {
    error.to_string()
}

impl World {
    /// Plays the schedule of a seed in a directory of its own.
    ///
    /// # Errors
    /// What was found.
    pub(super) fn play(seed: u64, directory: &Path) -> Result<Played, String> {
        let [source, target] = ["source", "target"].map(|name| directory.join(name));
        fs::create_dir_all(&source).map_err(text)?;
        let mut world = Self {
            rng: StdRng::seed_from_u64(seed),
            now: Instant::now(),
            source,
            target,
            reading: Faults::default(),
            writing: Faults::default(),
            mount: None,
            catalogue: Catalogue::new(),
            folder: None,
            connection: None,
            verdict: Verdict::default(),
            stamp: 0,
        };
        for _ in 0..ROUNDS {
            world.round()?;
        }
        world.heal()?;
        let faults = world.reading.failed() + world.writing.failed();
        let Verdict { refusals, deliveries, .. } = world.verdict;
        Ok(Played { faults, refusals, deliveries })
    }

    /// Something happens to files, disks, and the connection; then all come to rest.
    fn round(&mut self) -> Result<(), String> {
        for _ in 0..self.rng.random_range(0..4) {
            self.change()?;
        }
        for _ in 0..self.rng.random_range(0..3) {
            let faults = if self.rng.random() { &self.reading } else { &self.writing };
            faults.arm(&mut self.rng);
        }
        match self.rng.random_range(0..12) {
            0 => self.disconnect(),
            1 => {
                self.disconnect();
                // Its journal is read again.
                self.folder = None;
            }
            2 => self.reading.heal(),
            3 => self.writing.heal(),
            _ => {}
        }
        let steps = self.rng.random_range(1..60);
        self.run(steps)?;
        self.settle()?;
        self.pass(TELL)?;
        self.settle()?;
        let (published, received) = (tree(&self.source)?, self.received()?);
        self.verdict.check_told(&published, &received)?;
        // Two states of a name may be alike: what waits is told once, whatever is there meanwhile.
        let is_stuck = self.connection.as_ref().is_some_and(|connection| connection.is_stuck);
        if !is_stuck && self.verdict.check_equal(&published, &received).is_ok() {
            self.verdict.told.clear();
        }
        Ok(())
    }

    /// Nothing fails any more.
    fn heal(&mut self) -> Result<(), String> {
        self.reading.heal();
        self.writing.heal();
        let start = self.now;
        loop {
            self.settle()?;
            let (published, received) = (tree(&self.source)?, self.received()?);
            let checked = self.verdict.check_equal(&published, &received);
            let checked = checked.and_then(|()| self.verdict.check_confirmed(&received));
            let is_late = self.now.duration_since(start) > PATIENCE;
            match checked {
                Ok(()) => break,
                Err(finding) if is_late => return Err(finding),
                Err(_) => self.pass(Duration::from_secs(5))?,
            }
        }
        self.disconnect();
        let left = fs::read_dir(self.target.join(".filemq/partial")).map_err(text)?.count();
        if left > 0 && self.verdict.refused.is_empty() {
            return Err(format!("{left} unfinished files are left"));
        }
        Ok(())
    }

    fn received(&self) -> Result<super::verdict::Tree, String> {
        if self.target.exists() { tree(&self.target) } else { Ok(Default::default()) }
    }

    /// A file is written, or removed.
    fn change(&mut self) -> Result<(), String> {
        let name = *NAMES.choose(&mut self.rng).unwrap_or(&"a");
        let path = self.source.join(name);
        if self.rng.random_range(0..4) == 0 {
            // It may not be there.
            let _ = fs::remove_file(&path);
            return Ok(());
        }
        let size = *SIZES.choose(&mut self.rng).unwrap_or(&1);
        self.stamp += 1;
        let content = testkit::content::bytes(self.stamp, size);
        if let Some(above) = path.parent() {
            fs::create_dir_all(above).map_err(text)?;
        }
        // Another inode: no two states look alike.
        let fresh = self.source.join(".fresh");
        fs::write(&fresh, &content).map_err(text)?;
        fs::rename(&fresh, &path).map_err(text)?;
        self.verdict.published(name, &content);
        Ok(())
    }

    /// Runs until nothing more happens without the clock.
    fn settle(&mut self) -> Result<(), String> {
        self.scan();
        self.run(MAX_STEPS)?;
        self.verdict.check_contents(&self.received()?)
    }

    /// Lets time pass, and what is due happen.
    fn pass(&mut self, time: Duration) -> Result<(), String> {
        let end = self.now + time;
        while let Some(due) = self.next_deadline().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            if let Some(connection) = &mut self.connection {
                connection.server.handle_timeout(self.now);
                connection.client.handle_timeout(self.now);
            }
            self.run(MAX_STEPS)?;
        }
        self.now = end;
        Ok(())
    }

    fn next_deadline(&self) -> Option<Instant> {
        let connection = self.connection.as_ref()?;
        let both = [connection.server.next_deadline(), connection.client.next_deadline()];
        both.into_iter().flatten().min()
    }

    /// The mount looks at the directory.
    fn scan(&mut self) {
        let before = self.reading.failed();
        let mut options = MountOptions::new(VirtualPath::root());
        options.stable = Duration::ZERO;
        let changes = match &mut self.mount {
            Some(mount) => mount.scan(),
            None => {
                let system = self.reading.file_system();
                match ScannedMount::open_on(system, &self.source, options) {
                    Ok((mount, found)) => {
                        self.mount = Some(mount);
                        found
                    }
                    Err(error) => {
                        self.verdict.told.insert(error.to_string());
                        return;
                    }
                }
            }
        };
        for change in changes {
            let change = match change {
                MountChange::Updated { name, source, version } => {
                    self.catalogue.insert(Entry::new(name, source, version, Audience::Everyone))
                }
                MountChange::Unstable { .. } => None,
                MountChange::Removed { name } => self.catalogue.remove(&name),
                MountChange::Omitted(omitted) => {
                    self.verdict.omitted(&omitted);
                    None
                }
            };
            let Some(change) = change else { continue };
            self.verdict.changed(change.entry().name());
            if let Some(connection) = &mut self.connection {
                connection.server.handle_change(&change);
            }
        }
        let root = VirtualPath::root();
        if self.verdict.is_complete()
            && self.catalogue.know(&root)
            && let Some(connection) = &mut self.connection
        {
            connection.server.handle_known(&root, &self.catalogue);
        }
        // The operating system may keep from the mount what it would have told of.
        if self.reading.failed() > before {
            self.verdict.told.insert("the directory could not be looked at".into());
        }
    }

    fn disconnect(&mut self) {
        self.connection = None;
    }

    /// Connects, if the folder lets it.
    fn connect(&mut self) -> std::io::Result<()> {
        if self.folder.is_none() {
            let (system, limits) = (self.writing.file_system(), ReceivedLimits::default());
            self.folder = Some(ReceivedFolder::open_on(system, &self.target, limits)?);
        }
        let Some(folder) = &self.folder else { return Ok(()) };
        folder.refresh()?;
        let mut writer = folder.writer(ORIGIN)?;
        let inventory: Inventory = writer.inventory();
        let paths = [VirtualPath::root()];
        let asks: bool = self.rng.random();
        let whims = asks.then(|| Whims::new(StdRng::from_rng(&mut self.rng)));
        let accept = if asks { Accept::Ask } else { Accept::All };
        let config = ClientConfig { accept, ..ClientConfig::default() };
        let client = ClientSession::new(&config, &paths, inventory, self.now);
        let server = ServerSession::new(&ServerConfig::default(), BTreeSet::new(), self.now);
        let (reader, writes) = (ChunkReader::new(), Vec::new());
        let (waiting, is_stuck) = (0, false);
        let connection =
            Connection { server, reader, client, whims, writer, writes, waiting, is_stuck };
        self.connection = Some(connection);
        Ok(())
    }

    /// Takes this many steps, or all that there are.
    fn run(&mut self, steps: usize) -> Result<(), String> {
        for _ in 0..steps {
            if self.connection.is_none()
                && let Err(error) = self.connect()
            {
                self.verdict.told.insert(format!("the folder cannot be used: {error}"));
                return Ok(());
            }
            if !self.step() {
                return Ok(());
            }
        }
        if steps == MAX_STEPS { Err("it does not come to rest".into()) } else { Ok(()) }
    }

    /// Takes a step at either side. Returns `false` if there is nothing to do.
    fn step(&mut self) -> bool {
        let Some(connection) = &mut self.connection else { return false };
        match connection.step(self.now, &self.catalogue, &mut self.verdict) {
            Step::Done => true,
            Step::Idle => false,
            Step::Over => {
                self.connection = None;
                // A driver waits as well before it connects again.
                self.now += Duration::from_millis(100);
                true
            }
        }
    }
}

enum Step {
    Done,
    Idle,
    Over,
}

impl Connection {
    fn step(&mut self, now: Instant, catalogue: &Catalogue, verdict: &mut Verdict) -> Step {
        if let Some(output) = self.client.poll_output() {
            match output {
                ClientOutput::Send(frame) => {
                    self.server.handle_message(now, &[frame], catalogue);
                }
                ClientOutput::Write(write) => self.writes.push(write),
                ClientOutput::Event(event) => {
                    if let Some(whims) = &mut self.whims {
                        whims.hear(&event, &mut self.client, now);
                    }
                }
                ClientOutput::Close(_) => {
                    self.write(now, verdict);
                    return Step::Over;
                }
            }
            return Step::Done;
        }
        if !self.writes.is_empty() {
            self.write(now, verdict);
            return Step::Done;
        }
        self.server.set_ready(true);
        match self.server.poll_output() {
            Some(ServerOutput::Send { head, chunk }) => {
                let frame = [&head[..], &chunk[..]].concat();
                self.client.handle_message(now, &[frame.into()]);
            }
            Some(ServerOutput::Job(job)) => {
                let result: JobResult = self.reader.execute(job);
                self.server.handle_result(now, result);
            }
            Some(ServerOutput::Event(event)) => match event {
                ServerSessionEvent::Unreadable { name, reason, fate } => {
                    verdict.refuse(&name, reason, fate);
                }
                ServerSessionEvent::Confirmed { name, size, .. } => {
                    verdict.confirmed(&name, size);
                }
                _ => {}
            },
            Some(ServerOutput::Close) => return Step::Over,
            None => {
                let whims = self.whims.as_mut();
                let goes_on = whims.is_some_and(|whims| whims.relent(&mut self.client, now));
                return if goes_on { Step::Done } else { Step::Idle };
            }
        }
        Step::Done
    }

    /// The folder carries out its orders, as a driver has it done.
    fn write(&mut self, now: Instant, verdict: &mut Verdict) {
        let mut written = Vec::new();
        for write in std::mem::take(&mut self.writes) {
            if let Write::Data { bytes, .. } = &write {
                self.waiting += bytes.len();
            }
            written.extend(self.writer.execute(write));
        }
        written.extend(self.writer.flush());
        let left = self.writer.held_bytes();
        let taken = std::mem::replace(&mut self.waiting, left).saturating_sub(left);
        self.client.handle_taken(now, taken as u64);
        for written in written {
            self.client.handle_written(now, &written);
            match written {
                Written::File { event: FileEvent::Refused { name, reason, fate }, .. }
                | Written::NoRoom { event: FileEvent::Refused { name, reason, fate }, .. } => {
                    verdict.refusals += 1;
                    verdict.refuse(&name, reason, fate);
                }
                Written::File { event: FileEvent::Delivered { name, size, .. }, .. } => {
                    verdict.delivered(&name, size);
                }
                Written::Stuck => self.is_stuck = true,
                Written::Unstuck => self.is_stuck = false,
                _ => {}
            }
        }
    }
}
