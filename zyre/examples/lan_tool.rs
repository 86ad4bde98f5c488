//! A tool for a team on one network: who is here, chat, files, and nobody else. Ctrl-D ends it.
//!
//! `lan_tool alice new` makes a network and shows its twelve words; `lan_tool bob` asks for them.
//! Lines that are typed go to everybody; `/send PATH` sends a file or a folder.

use std::error::Error;
use std::path::Path;

use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin};
use zyre::{Event, Identity, NetworkKey, Node, Printable, State, Trust};

const GROUP: &str = "team";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().ok_or("usage: lan_tool NAME [new]")?;
    let is_new = arguments.next().is_some_and(|word| word == "new");
    let mut lines = BufReader::new(tokio::io::stdin()).lines();

    // What stays when the program ends: the id, the keys, and the files of others.
    let home = Path::new("lan_tool").join(&name);
    let state = State::open(home.join("state"))?;
    let identity = Identity::load_or_create(home.join("key"))?;
    let network = network_key(&home.join("network"), is_new, &mut lines).await?;

    let builder = Node::builder().name(name).state(&state).join(GROUP);
    let builder = builder.receive(home.join("received")).secure(identity, Trust::network(network));
    let (node, mut events) = builder.start().await?;
    println!("{} is at {}; Ctrl-D ends it", node.name(), node.endpoint());

    loop {
        tokio::select! {
            line = lines.next_line() => match line? {
                Some(line) => match line.strip_prefix("/send ") {
                    Some(path) => send(&node, path).await,
                    None => node.shout(GROUP, &line)?,
                },
                None => break,
            },
            event = events.recv() => match event {
                Some(event) => show(&node, &event),
                None => break,
            },
        }
    }
    // Says goodbye, after what was sent last.
    node.stop().await;
    Ok(())
}

/// The key that all members of the team have: kept from the last time, new, or typed as words.
async fn network_key(
    file: &Path,
    is_new: bool,
    lines: &mut Lines<BufReader<Stdin>>,
) -> Result<NetworkKey, Box<dyn Error>> {
    if file.exists() {
        return Ok(NetworkKey::load(file)?);
    }
    let key = if is_new {
        NetworkKey::generate()?
    } else {
        println!("The twelve words of the team:");
        lines.next_line().await?.unwrap_or_default().parse()?
    };
    key.save(file)?;
    println!("The words of the team: {}", *key.words());
    Ok(key)
}

/// Publishes a file or a folder: everybody gets it, also those who come later.
async fn send(node: &Node, path: &str) {
    match node.publish(path.trim()).await {
        Ok(name) => println!("* {name} goes to everybody"),
        Err(error) => println!("* {error}"),
    }
}

/// Prints what an event means to people.
fn show(node: &Node, event: &Event) {
    // Names and texts are whatever the peer has sent.
    let clean = |text: &str| Printable::new(text).to_string();
    match event {
        Event::Enter { name, .. } => println!("* {} is here", clean(name)),
        Event::Exit { name, reason, .. } => println!("* {} is gone: {reason}", clean(name)),
        Event::Silent { name, .. } => println!("* {} does not answer", clean(name)),
        Event::Returned { name, .. } => println!("* {} is back", clean(name)),
        Event::Shout { name, content, .. } => {
            println!("{}: {}", clean(name), clean(&content.to_text()));
        }
        Event::Deliver { path, .. } => println!("* {} has come", clean(&path.to_string_lossy())),
        Event::Confirmed { peer, name, already: false, .. } => {
            let who = node.peer(*peer).map_or_else(|| peer.default_name(), |it| clean(&it.name));
            println!("* {who} has {}", clean(name));
        }
        Event::Unreachable { endpoint, why, .. } => println!("* {endpoint} cannot be met: {why}"),
        _ => {}
    }
}
