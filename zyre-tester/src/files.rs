//! Sharing files: how fast, how fair, and what is left of them when processes are killed.
//!
//! ```text
//!  speed, rsync, fanout, ── orders, a line of JSON each ──> server: a process that publishes
//!  kills, resume
//!   place     where the files are                          receiver: a process with folders
//!   child     a process, and what it says                  bare: the same work on bare TCP
//!   line      what both say <── reports, a line of JSON each ──────
//! ```
//!
//! Servers and receivers are this program started again, so that they can be measured and killed
//! one by one. They know nothing of the contents: who looks at files does so from outside.

mod bare;
mod child;
mod copy;
mod disk;
mod fanout;
mod kills;
mod line;
mod pair;
mod place;
mod receiver;
mod relay;
mod resume;
mod rsync;
mod secured;
mod server;
mod speed;
mod tree;

/// Sharing files.
#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
    /// Prints the lines of JSON on a terminal too; elsewhere they always come.
    #[arg(long = "json", global = true)]
    json_lines: bool,
}

#[derive(clap::Subcommand)]
enum What {
    /// One large file and many small ones, beside `cp`, bare TCP and `tar` over TCP.
    Speed(speed::Options),
    /// The same work beside `rsync`, which has to be installed, and again after one file has changed.
    Rsync(rsync::Options),
    /// One publisher and many receivers, beside bare TCP. One is killed, one comes late.
    Fanout(fanout::Options),
    /// Kills sender and receivers during transfers, and looks at every file that is there.
    Kills(kills::Options),
    /// Kills sender and receiver in the midst of large files, and counts what is sent twice.
    Resume(resume::Options),
    /// Lets operations of the disk fail at both ends, with one seed after the other.
    Disk(disk::Options),
    /// This process publishes a directory.
    #[command(hide = true)]
    Serve(server::Options),
    /// This process receives.
    #[command(hide = true)]
    Receive(receiver::Options),
    /// This process copies without FILEMQ.
    #[command(hide = true)]
    Bare(bare::Options),
}

/// Runs what is asked for. Returns whether all arrived as it was published.
///
/// # Errors
/// If it cannot be run.
pub(crate) fn run(options: &Options) -> Result<bool, String> {
    crate::output::want_json(options.json_lines);
    match &options.what {
        What::Speed(options) => speed::run(options),
        What::Rsync(options) => rsync::run(options),
        What::Fanout(options) => fanout::run(options),
        What::Kills(options) => kills::run(options),
        What::Resume(options) => resume::run(options),
        What::Disk(options) => disk::run(options),
        What::Serve(options) => child(server::run(options)),
        What::Receive(options) => child(receiver::run(options)),
        What::Bare(options) => child(bare::run(options)),
    }
}

/// Runs until it is done, or until the process that has started this one is gone: then nobody
/// orders anything any more.
fn child(work: impl Future<Output = Result<(), String>>) -> Result<bool, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no tokio runtime: {error}"))?;
    let done = runtime.block_on(work);
    runtime.shutdown_background();
    done.map(|()| true)
}
