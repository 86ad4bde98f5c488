//! Files that the server offers, and what is answered.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;

use super::event::{ClientOutput, ClientOutputs, ClientSessionEvent};
use crate::message::{Answer, Message, Verdict};
use crate::session::{OfferedFile, ResumePoint, Write, extensions};
use crate::{Fate, FileEvent, Refusal, VirtualPath};

/// The most answers in a message.
const MAX_ANSWERS: usize = 4000;

/// The most bytes that the names of all offers have together.
const MAX_NAME_BYTES: usize = 16 << 20;
/// The most offers that wait until fewer are remembered. A server pauses at this number without answer.
const MAX_WAITING: usize = 4096;

/// Offers that hold, and answers that the server was not told yet.
///
/// A file that is wanted has room set aside in the received folder before the server hears of it, and
/// until it begins. If there is no room the folder keeps the order, and answers when there is.
#[derive(Debug)]
pub(super) struct Offers {
    /// Whether the server sends nothing unasked.
    pub(super) are_agreed: bool,
    /// The most offers that are remembered.
    limit: usize,
    /// Whether it was told that there are more.
    is_full: bool,
    files: BTreeMap<u64, HeldOffer>,
    /// Offers beyond the limit, which are not answered until there is room for them.
    waiting: BTreeMap<u64, OfferedFile>,
    /// The last number of each name that waits.
    waiting_numbers: HashMap<VirtualPath, u64>,
    numbers: HashMap<VirtualPath, u64>,
    /// Bytes of all names.
    name_bytes: usize,
    unsent: Vec<Answer>,
}

#[derive(Debug)]
struct HeldOffer {
    file: OfferedFile,
    stage: Stage,
    /// How often it was fetched.
    fetches: u64,
}

/// What becomes of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nobody has decided yet, or not to fetch the file now.
    Open,
    /// It is wanted, and room for it is asked for.
    Reserving,
    /// The server was told to send it.
    Fetched,
    /// It is coming.
    Begun,
}

impl Offers {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            are_agreed: false,
            limit,
            is_full: false,
            files: BTreeMap::new(),
            waiting: BTreeMap::new(),
            waiting_numbers: HashMap::new(),
            numbers: HashMap::new(),
            name_bytes: 0,
            unsent: Vec::new(),
        }
    }

    /// Takes up an offer; one of the same name or number holds no more. Returns `false` if there are too
    /// many: then it waits.
    pub(super) fn add(&mut self, number: u64, file: OfferedFile, out: &mut ClientOutputs) -> bool {
        if let Some(&old) = self.numbers.get(&file.name) {
            self.withdraw(old, out);
        }
        self.withdraw(number, out);
        if let Some(&old) = self.waiting_numbers.get(&file.name) {
            self.take_out_waiting(old);
        }
        if !self.has_room_for(&file) {
            self.wait(number, file, out);
            return false;
        }
        self.name_bytes += file.name.as_str().len();
        self.numbers.insert(file.name.clone(), number);
        self.files.insert(number, HeldOffer { file, stage: Stage::Open, fetches: 0 });
        true
    }

    /// Keeps an offer until there is room for it. Only a server that does not wait for answers is told
    /// that it is declined.
    fn wait(&mut self, number: u64, file: OfferedFile, out: &mut ClientOutputs) {
        let reason = Refusal::Offers { limit: self.limit };
        let (name, waits) = (file.name.clone(), self.waiting.len() < MAX_WAITING);
        if waits {
            self.waiting_numbers.insert(file.name.clone(), number);
            self.waiting.insert(number, file);
        } else {
            self.answer(number, Verdict::Decline, reason.to_string());
        }
        if !std::mem::replace(&mut self.is_full, true) {
            let event = FileEvent::Refused { name, reason, fate: Fate::Passing };
            out.push_back(ClientOutput::Event(ClientSessionEvent::NotTaken(event)));
        }
    }

    /// Returns the next offer that has waited, if there is room for it.
    pub(super) fn take_waiting(&mut self) -> Option<(u64, OfferedFile)> {
        let (&number, next) = self.waiting.first_key_value()?;
        if !self.has_room_for(next) {
            return None;
        }
        self.take_out_waiting(number).map(|file| (number, file))
    }

    fn take_out_waiting(&mut self, number: u64) -> Option<OfferedFile> {
        let file = self.waiting.remove(&number)?;
        self.waiting_numbers.remove(&file.name);
        Some(file)
    }

    fn has_room_for(&self, file: &OfferedFile) -> bool {
        self.files.len() < self.limit
            && self.name_bytes + file.name.as_str().len() <= MAX_NAME_BYTES
    }

    /// Notes an answer. The last one counts.
    pub(super) fn answer(&mut self, number: u64, verdict: Verdict, text: String) {
        self.unsent.push(Answer { number, verdict, text: extensions::shortened(text) });
    }

    /// Returns the next message, if there is something to say.
    pub(super) fn take_unsent(&mut self) -> Option<Bytes> {
        let count = self.unsent.len().min(MAX_ANSWERS);
        let answers: Vec<_> = self.unsent.drain(..count).collect();
        (count > 0).then(|| Message::Answers(answers).encode())
    }

    /// Handles that an offer holds no more.
    pub(super) fn withdraw(&mut self, number: u64, out: &mut ClientOutputs) {
        self.take_out_waiting(number);
        let Some(held) = self.remove(number) else { return };
        Self::release(number, &held, out);
        out.push_back(ClientOutput::Event(ClientSessionEvent::Withdrawn { number }));
    }

    /// Gives back the room for a file that does not come now.
    fn release(number: u64, held: &HeldOffer, out: &mut ClientOutputs) {
        if matches!(held.stage, Stage::Reserving | Stage::Fetched) {
            let name = held.file.name.clone();
            out.push_back(ClientOutput::Write(Write::Release { offer: number, name }));
        }
    }

    /// Asks for room for a file that is wanted. Returns `false` if there is no such offer.
    pub(super) fn reserve(&mut self, number: u64, out: &mut ClientOutputs) -> bool {
        let Some(held) = self.files.get_mut(&number) else { return false };
        if held.stage == Stage::Open {
            held.stage = Stage::Reserving;
            let OfferedFile { name, size, .. } = &held.file;
            // One that offers tells the size.
            let (name, size) = (name.clone(), size.unwrap_or_default());
            out.push_back(ClientOutput::Write(Write::Reserve { offer: number, name, size }));
        }
        true
    }

    /// Handles that there is room for a file: it is fetched, from where the part ends that there is of
    /// it. Returns its name, and that part.
    pub(super) fn reserved(
        &mut self,
        number: u64,
        part: Option<&ResumePoint>,
    ) -> Option<(VirtualPath, ResumePoint)> {
        let held = self.files.get_mut(&number)?;
        if held.stage != Stage::Reserving {
            return None;
        }
        held.stage = Stage::Fetched;
        held.fetches += 1;
        let name = held.file.name.clone();
        let text = part.map(extensions::part_text).unwrap_or_default();
        self.answer(number, Verdict::Fetch, text);
        part.map(|part| (name, part.clone()))
    }

    /// Handles that there is no room for a file, for now or at all.
    pub(super) fn refused(&mut self, number: u64, reason: &Refusal, fate: Fate) {
        let is_reserving = |held: &HeldOffer| held.stage == Stage::Reserving;
        if !self.files.get(&number).is_some_and(is_reserving) {
            return;
        }
        let verdict = match fate {
            Fate::Passing => Verdict::Later,
            Fate::Final => {
                self.forget(number);
                Verdict::Decline
            }
        };
        self.answer(number, verdict, reason.to_string());
    }

    /// Forgets an offer.
    pub(super) fn forget(&mut self, number: u64) {
        self.remove(number);
    }

    fn remove(&mut self, number: u64) -> Option<HeldOffer> {
        let held = self.files.remove(&number)?;
        self.name_bytes = self.name_bytes.saturating_sub(held.file.name.as_str().len());
        self.numbers.remove(&held.file.name);
        Some(held)
    }

    /// Handles that the application does not want a file. Returns `false` if there is no such offer.
    pub(super) fn decline(&mut self, number: u64, reason: &str, out: &mut ClientOutputs) -> bool {
        let Some(held) = self.files.get(&number) else { return false };
        Self::release(number, held, out);
        self.forget(number);
        self.answer(number, Verdict::Decline, reason.to_owned());
        true
    }

    /// Handles that the application does not want a file now. Returns `false` if there is no such
    /// offer.
    pub(super) fn put_off(&mut self, number: u64, out: &mut ClientOutputs) -> bool {
        let Some(held) = self.files.get_mut(&number) else { return false };
        Self::release(number, held, out);
        held.stage = Stage::Open;
        self.answer(number, Verdict::Later, String::new());
        true
    }

    /// Returns whether a file that was fetched comes with another size than it was offered with, or with
    /// none.
    pub(super) fn differs(&self, name: &VirtualPath, size: Option<u64>) -> bool {
        let held = self.numbers.get(name).and_then(|number| self.files.get(number));
        held.is_some_and(|held| held.stage == Stage::Fetched && held.file.size != size)
    }

    /// Handles that a file begins that answers this fetch of it. Returns the number of its offer; `None`
    /// if it is not wanted, or not any more what comes.
    pub(super) fn begin(&mut self, name: &VirtualPath, fetch: u64) -> Option<u64> {
        let number = *self.numbers.get(name)?;
        let held = self.files.get_mut(&number)?;
        (held.stage == Stage::Fetched && held.fetches == fetch).then(|| {
            held.stage = Stage::Begun;
            number
        })
    }

    /// Handles that a file has come to its end and makes no sense: unless it is not wanted any more it
    /// is fetched anew.
    pub(super) fn failed(&mut self, number: u64, out: &mut ClientOutputs) {
        if self.files.get(&number).is_some_and(|held| held.stage == Stage::Begun) {
            self.put_off(number, out);
            self.reserve(number, out);
        }
    }

    /// Handles that the server has broken off a file, which comes again unless the offer is withdrawn.
    pub(super) fn broken_off(&mut self, number: u64) {
        if let Some(held) = self.files.get_mut(&number)
            && held.stage == Stage::Begun
        {
            held.stage = Stage::Fetched;
        }
    }
}
