//! Hosts in network namespaces reach each other, or not, as the test has made their networks.

#![cfg(test)]

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use testkit::harness::Harness;
use testkit::namespace::{self, Namespace, unshared};
use testkit::network::{Home, Host, Network};
use testkit::tests;
use testkit::wait::{DEADLINE, blocking_until};

/// The port at which hosts listen here.
const PORT: u16 = 7000;
/// As long as something is waited for that must not come.
const LITTLE: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let tests = tests![
        hosts_that_are_cut_off_reach_each_other_only,
        a_host_is_known_by_its_name_and_the_names_go_with_the_namespace,
        a_host_that_goes_takes_its_namespace_along,
        a_cable_is_pulled_and_plugged_in,
        a_rate_is_limited,
        a_slow_link_is_slow,
        a_command_runs_in_a_namespace_of_its_own,
    ];
    let needs_nft = tests![
        a_home_router_lets_out_and_not_in,
        hosts_of_two_homes_are_told_apart_by_their_routers_only,
        a_forwarded_port_leads_into_a_home,
        a_firewall_lets_out_and_not_in,
        a_firewall_lets_no_datagram_in_that_nobody_asked_for,
        beacons_are_dropped_and_nothing_else,
        large_packets_are_swallowed,
        what_is_lost_does_not_arrive,
        a_tenth_is_lost,
        attempts_to_connect_are_counted,
    ];
    let possible = namespace::possible();
    let nft = possible.clone().and_then(|()| Namespace::new()?.nft("table ip x {}"));
    Harness::default()
        .skip(possible.err().map(String::from))
        .then(tests)
        .skip_also_in_ci(nft.err().map(String::from))
        .then(needs_nft)
        .exit_code()
}

/// Whether a segment from one host gets to an address, and the answer back. Nobody listens there: a
/// host that is reached refuses.
fn reaches(host: &Host, address: Ipv4Addr) -> bool {
    let mut connect = Command::new("timeout");
    connect.args(["1", "bash", "-c", &format!("exec 3<>/dev/tcp/{address}/9")]);
    let output = host.command(&connect).output().unwrap();
    String::from_utf8_lossy(&output.stderr).contains("refused")
}

fn listen(host: &Host) -> TcpListener {
    host.enter(|| TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT))).unwrap().unwrap()
}

/// Connects to the port at which hosts listen.
fn connect(host: &Host, to: Ipv4Addr, within: Duration) -> io::Result<TcpStream> {
    let to = SocketAddr::from((to, PORT));
    host.enter(|| TcpStream::connect_timeout(&to, within)).unwrap()
}

fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    let (stream, from) = listener.accept().unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    (stream, from)
}

/// Bytes come through in both directions.
fn talk(one: &mut TcpStream, other: &mut TcpStream) {
    let mut bytes = [0; 4];
    one.write_all(b"ping").unwrap();
    other.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"ping");
    other.write_all(b"pong").unwrap();
    one.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"pong");
}

fn hosts_that_are_cut_off_reach_each_other_only() {
    let network = Network::new().unwrap();
    let [a, b, c] = ["a", "b", "c"].map(Host::new).map(Result::unwrap);
    let at = [&a, &b, &c].map(|host| network.plug(host, "eth0").unwrap());
    assert!(reaches(&a, at[1]) && reaches(&a, at[2]) && reaches(&b, at[2]));
    network.cut_off(&[&b, &c]).unwrap();
    blocking_until("the cut", || !reaches(&a, at[1]));
    assert!(!reaches(&c, at[0]));
    assert!(reaches(&b, at[2]));
    network.heal(&[&b, &c]).unwrap();
    blocking_until("the end of the cut", || reaches(&a, at[1]) && reaches(&c, at[0]));
}

fn a_host_is_known_by_its_name_and_the_names_go_with_the_namespace() {
    let host = Host::new("a").unwrap();
    let known_as = |host: &Host| {
        let mut look_up = Command::new("getent");
        look_up.args(["hosts", "b"]);
        let output = host.command(&look_up).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_whitespace().next().map(str::to_owned)
    };
    for address in ["10.77.0.2", "10.77.0.3"] {
        host.set_hosts(&format!("{address} b\n")).unwrap();
        assert_eq!(known_as(&host).as_deref(), Some(address));
    }
    let files = Path::new("/etc/netns").join(host.name());
    assert!(files.exists());
    drop(host);
    assert!(!files.exists());
}

fn a_cable_is_pulled_and_plugged_in() {
    let network = Network::new().unwrap();
    let [a, b] = ["a", "b"].map(Host::new).map(Result::unwrap);
    let [_, at_b] = [&a, &b].map(|host| network.plug(host, "eth0").unwrap());
    assert!(reaches(&a, at_b));
    network.set_cable(&b, "eth0", false).unwrap();
    blocking_until("the end of the link", || !reaches(&a, at_b));
    let list = b.command(Command::new("ip").args(["addr", "show", "eth0"])).output().unwrap();
    let list = String::from_utf8(list.stdout).unwrap();
    assert!(list.contains("NO-CARRIER") && list.contains(&at_b.to_string()), "{list}");
    network.set_cable(&b, "eth0", true).unwrap();
    blocking_until("the link", || reaches(&a, at_b));
}

fn a_host_that_goes_takes_its_namespace_along() {
    let list = || {
        let output = Command::new("ip").args(["netns", "list"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let host = Host::new("a").unwrap();
    let (name, clone) = (host.name().to_owned(), host.clone());
    drop(host);
    assert!(list().contains(&name));
    let panics = std::panic::catch_unwind(move || {
        let _host = clone;
        panic!("as a test that fails does");
    });
    assert!(panics.is_err());
    assert!(!list().contains(&name));
}

fn a_home_router_lets_out_and_not_in() {
    let (inside, outside) = (Network::new().unwrap(), Network::with_prefix([10, 78, 0]).unwrap());
    let [a, router] = ["a", "router"].map(|name| inside.host(name).unwrap());
    let b = outside.host("b").unwrap();
    outside.plug(&router, "wan").unwrap();
    a.ip("route add default via 10.77.0.2").unwrap();
    b.ip("route add 10.77.0.0/24 via 10.78.0.2").unwrap();
    let [at_a, at_b] = [Ipv4Addr::new(10, 77, 0, 1), Ipv4Addr::new(10, 78, 0, 1)];
    assert!(!reaches(&a, at_b), "nobody forwards yet");
    router.masquerade("wan").unwrap();
    assert!(reaches(&a, at_b));
    assert!(!reaches(&b, at_a));
}

fn hosts_of_two_homes_are_told_apart_by_their_routers_only() {
    let outside = Network::with_prefix([10, 78, 0]).unwrap();
    let server = outside.host("server").unwrap();
    let homes = ["a", "b"].map(|name| outside.home(name).unwrap());
    let at_server = Ipv4Addr::new(10, 78, 0, 1);
    let listener = listen(&server);
    let mut connections = homes.each_ref().map(|home| {
        let stream = connect(&home.host, at_server, DEADLINE).unwrap();
        assert_eq!(stream.local_addr().unwrap().ip(), Home::ADDRESS);
        let (accepted, from) = accept(&listener);
        assert_eq!(from.ip(), home.outside, "as the server sees it");
        (stream, accepted)
    });
    assert_ne!(homes[0].outside, homes[1].outside);
    for (stream, accepted) in &mut connections {
        talk(stream, accepted);
    }
    let inside = listen(&homes[0].host);
    assert!(connect(&server, homes[0].outside, LITTLE).is_err());
    inside.set_nonblocking(true).unwrap();
    assert_eq!(inside.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
}

fn a_forwarded_port_leads_into_a_home() {
    let outside = Network::with_prefix([10, 78, 0]).unwrap();
    let [a, b] = ["a", "b"].map(|name| outside.home(name).unwrap());
    let listener = listen(&b.host);
    b.router.forward_port("wan", PORT, Home::ADDRESS).unwrap();
    let mut stream = connect(&a.host, b.outside, DEADLINE).unwrap();
    let (mut accepted, from) = accept(&listener);
    // Both have the address of a host in a home.
    assert_eq!(accepted.local_addr().unwrap(), (Home::ADDRESS, PORT).into());
    assert_eq!(stream.local_addr().unwrap().ip(), Home::ADDRESS);
    assert_eq!(from.ip(), a.outside);
    talk(&mut stream, &mut accepted);
    let other = SocketAddr::from((b.outside, PORT + 1));
    let closed = a.host.enter(|| TcpStream::connect_timeout(&other, LITTLE)).unwrap();
    assert!(closed.is_err(), "only this port");
}

fn a_firewall_lets_out_and_not_in() {
    let network = Network::new().unwrap();
    let [closed, open] = ["closed", "open"].map(Host::new).map(Result::unwrap);
    let [at_closed, at_open] = [&closed, &open].map(|host| network.plug(host, "eth0").unwrap());
    let listeners = [&closed, &open].map(listen);
    drop(connect(&open, at_closed, DEADLINE).unwrap());
    closed.drop_connections().unwrap();
    let refused = connect(&open, at_closed, LITTLE).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::TimedOut, "without an answer");
    let mut stream = connect(&closed, at_open, DEADLINE).unwrap();
    let (mut accepted, _) = accept(&listeners[1]);
    talk(&mut stream, &mut accepted);
    talk(&mut accepted, &mut stream);
    // It hears of the end of a connection.
    drop(accepted);
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);

    let bind = |host: &Host, at| host.enter(|| UdpSocket::bind((at, PORT))).unwrap().unwrap();
    let (from, to) = (bind(&open, at_open), bind(&closed, at_closed));
    to.set_read_timeout(Some(DEADLINE)).unwrap();
    from.send_to(b"beacon", (at_closed, PORT)).unwrap();
    assert_eq!(to.recv(&mut [0; 10]).unwrap(), 6);
}

fn a_firewall_lets_no_datagram_in_that_nobody_asked_for() {
    let network = Network::new().unwrap();
    let [closed, open] = ["closed", "open"].map(Host::new).map(Result::unwrap);
    let [at_closed, at_open] = [&closed, &open].map(|host| network.plug(host, "eth0").unwrap());
    closed.drop_unasked().unwrap();
    let bind = |host: &Host, at| host.enter(|| UdpSocket::bind((at, PORT))).unwrap().unwrap();
    let (from, to) = (bind(&open, at_open), bind(&closed, at_closed));
    to.set_read_timeout(Some(LITTLE)).unwrap();
    from.send_to(b"beacon", (at_closed, PORT)).unwrap();
    assert!(to.recv(&mut [0; 10]).is_err());
    let listener = listen(&open);
    let mut stream = connect(&closed, at_open, DEADLINE).unwrap();
    let (mut accepted, _) = accept(&listener);
    talk(&mut stream, &mut accepted);
}

fn beacons_are_dropped_and_nothing_else() {
    let network = Network::new().unwrap();
    let [silent, other] = ["silent", "other"].map(Host::new).map(Result::unwrap);
    let [at_silent, at_other] = [&silent, &other].map(|host| network.plug(host, "eth0").unwrap());
    silent.drop_beacons("eth0", PORT).unwrap();
    let bind = |host: &Host, at, port| {
        let socket = host.enter(|| UdpSocket::bind((at, port))).unwrap().unwrap();
        socket.set_read_timeout(Some(LITTLE)).unwrap();
        socket
    };
    let from = bind(&other, at_other, 0);
    let [dropped, heard] = [PORT, PORT + 1].map(|port| bind(&silent, at_silent, port));
    for port in [PORT, PORT + 1] {
        from.send_to(b"beacon", (at_silent, port)).unwrap();
    }
    assert!(heard.recv(&mut [0; 10]).is_ok());
    assert!(dropped.recv(&mut [0; 10]).is_err());
    assert!(reaches(&other, at_silent));
}

fn large_packets_are_swallowed() {
    let network = Network::new().unwrap();
    let [a, b] = ["a", "b"].map(Host::new).map(Result::unwrap);
    let [_, at_b] = [&a, &b].map(|host| network.plug(host, "eth0").unwrap());
    let listener = listen(&b);
    let mut stream = connect(&a, at_b, DEADLINE).unwrap();
    let (mut accepted, _) = accept(&listener);
    b.drop_larger(1000).unwrap();
    talk(&mut stream, &mut accepted);
    // The other way they pass.
    accepted.write_all(&[0; 20_000]).unwrap();
    stream.read_exact(&mut [0; 20_000]).unwrap();
    stream.write_all(&[0; 20_000]).unwrap();
    accepted.set_read_timeout(Some(LITTLE)).unwrap();
    let mut bytes = [0; 1448];
    let error = accepted.read_exact(&mut bytes).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock, "the beginning does not come");
}

/// How long a megabyte takes from one host to the other.
fn megabyte(from: &Host, to: &Host, at: Ipv4Addr) -> Duration {
    let listener = listen(to);
    let mut stream = connect(from, at, DEADLINE).unwrap();
    let (mut accepted, _) = accept(&listener);
    let begin = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(move || stream.write_all(&vec![0; 1_000_000]).unwrap());
        accepted.read_exact(&mut vec![0; 1_000_000]).unwrap();
    });
    begin.elapsed()
}

fn a_slow_link_is_slow() {
    let network = Network::new().unwrap();
    let [a, b] = ["a", "b"].map(Host::new).map(Result::unwrap);
    let [at_a, at_b] = [&a, &b].map(|host| network.plug(host, "eth0").unwrap());
    a.limit_rate("eth0", 8000).unwrap();
    // A second, less what the limit lets through at once.
    let slow = megabyte(&a, &b, at_b);
    assert!(slow > Duration::from_millis(900) && slow < Duration::from_secs(5), "{slow:?}");
    let fast = megabyte(&b, &a, at_a);
    assert!(fast < slow / 2, "{fast:?}");
}

fn attempts_to_connect_are_counted() {
    let network = Network::new().unwrap();
    let [a, b] = ["a", "b"].map(Host::new).map(Result::unwrap);
    let [_, at_b] = [&a, &b].map(|host| network.plug(host, "eth0").unwrap());
    assert!(a.attempts().is_err(), "nobody counts");
    a.count_attempts().unwrap();
    let listener = listen(&b);
    for _ in 0..3 {
        let mut stream = connect(&a, at_b, DEADLINE).unwrap();
        talk(&mut stream, &mut accept(&listener).0);
    }
    assert_eq!(a.attempts().unwrap(), 3);
    b.drop_connections().unwrap();
    assert!(connect(&a, at_b, LITTLE * 3).is_err());
    assert!(a.attempts().unwrap() > 4, "it was sent again");
}

fn a_tenth_is_lost() {
    let network = Network::new().unwrap();
    let [a, b] = ["a", "b"].map(Host::new).map(Result::unwrap);
    let [at_a, at_b] = [&a, &b].map(|host| network.plug(host, "eth0").unwrap());
    b.lose("eth0", 10).unwrap();
    let bind = |host: &Host, at| host.enter(|| UdpSocket::bind((at, PORT))).unwrap().unwrap();
    let (from, to) = (bind(&a, at_a), bind(&b, at_b));
    to.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let mut arrived = 0;
    for _ in 0..20 {
        // Not more than waits in the socket.
        for _ in 0..100 {
            from.send_to(b"beacon", (at_b, PORT)).unwrap();
        }
        while to.recv(&mut [0; 10]).is_ok() {
            arrived += 1;
        }
    }
    assert!((1700..1900).contains(&arrived), "{arrived} of 2,000");
}

fn what_is_lost_does_not_arrive() {
    let network = Network::new().unwrap();
    let [a, b] = ["a", "b"].map(Host::new).map(Result::unwrap);
    let [at_a, at_b] = [&a, &b].map(|host| network.plug(host, "eth0").unwrap());
    assert!(reaches(&a, at_b));
    b.lose("eth0", 100).unwrap();
    assert!(!reaches(&a, at_b) && !reaches(&b, at_a));
    b.lose("eth0", 0).unwrap();
    assert!(reaches(&a, at_b) && reaches(&b, at_a));
}

fn a_rate_is_limited() {
    let network = Network::new().unwrap();
    let a = network.host("a").unwrap();
    for kilobits in [1000, 2000] {
        a.limit_rate("eth0", kilobits).unwrap();
        let output = a.command(Command::new("tc").args(["qdisc", "show"])).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("tbf"), "{said}");
        assert!(said.contains(&format!("rate {}Mbit", kilobits / 1000)), "{said}");
    }
}

fn a_command_runs_in_a_namespace_of_its_own() {
    let mut show = Command::new("readlink");
    show.arg("/proc/self/ns/net");
    let here = show.output().unwrap().stdout;
    let there = unshared(&show).unwrap().output().unwrap().stdout;
    assert!(!there.is_empty() && here != there);
    let host = Host::new("a").unwrap();
    let there = host.command(&show).output().unwrap().stdout;
    assert!(!there.is_empty() && here != there);
}
