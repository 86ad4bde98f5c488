//! The guide: a first program, how it all works, what to rely on, recipes, and what to do when
//! nodes do not see each other.
//!
//! | chapter | what it has |
//! |---|---|
#![cfg_attr(
    all(feature = "curve", feature = "files"),
    doc = "| [A LAN tool in 100 lines](lan_tool) | a first program, step by step: presence, chat, files, and nobody else |"
)]
//! | [How it works](how_it_works) | discovery, links, ENTER to EXIT, groups, and failure, with a picture each |
//! | [Guarantees and limits](guarantees) | what you can rely on, how each failure looks, what is not promised, every limit |
//! | [Cookbook](cookbook) | threads, user interfaces, services, containers, firewalls, phones, many nodes, tests |
//! | [They do not see each other](troubleshooting) | how to find out why, and what to do |
//! | [Without broadcast](without_broadcast) | meeting by address or host name, and by gossip hubs |
//! | [Who leads](who_leads) | one member of a group that does what only one should do |
#![cfg_attr(
    feature = "files",
    doc = "| [Sharing files](files) | with the command, and in your application |"
)]
//! | [Watching a network](watching) | logs of all nodes in one place, a live screen, recordings |
//! | [From C Zyre, from pyre, from zyre.js](migration) | their calls, one by one, and ours |
//!
//! New to Zyre? Begin at the top. Each chapter stands for itself.
//!
//! The chapters about files are there if the documentation is built with the feature `files`
//! (`cargo doc --all-features`).
//!
//! The tests compile every program of the guide, and run those that need nothing but this machine.

// The chapters are Markdown files, so that they can be read and changed as such.

#[cfg(all(feature = "curve", feature = "files"))]
pub mod lan_tool {
    #![doc = include_str!("guide/lan_tool.md")]
    //!
    //! ```no_run
    #![doc = include_str!("../examples/lan_tool.rs")]
    //! ```
}

pub mod how_it_works {
    #![doc = include_str!("guide/how_it_works.md")]
}

pub mod guarantees {
    #![doc = include_str!("guide/guarantees.md")]
}

pub mod cookbook {
    #![doc = include_str!("guide/cookbook.md")]
}

pub mod troubleshooting {
    #![doc = include_str!("guide/troubleshooting.md")]
}

pub mod without_broadcast {
    #![doc = include_str!("guide/without_broadcast.md")]
}

pub mod who_leads {
    #![doc = include_str!("guide/who_leads.md")]
}

#[cfg(feature = "files")]
pub mod files {
    #![doc = include_str!("guide/files.md")]
}

pub mod watching {
    #![doc = include_str!("guide/watching.md")]
}

pub mod migration {
    #![doc = include_str!("guide/migration.md")]
}
