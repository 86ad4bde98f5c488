//! The turns of writers.

/// The next writer of what is queued.
///
/// It changes only under the lock of the queue: a thread that ends its turn because nothing is
/// queued, and one that queues something afterwards, agree on who writes it.
///
/// ```text
///                        Idle             Scheduled  Writing              Blocked
///  schedule, by push     Scheduled, wake
///  begin, by a caller    Writing          Writing    refused              Writing, parked
///  begin, by run         Writing          Writing    refused, not parked  Writing
///  end, everything sent                              Idle
///  end, kernel is full                               Blocked, wake*
///  end, enough for now                               Scheduled, wake
/// ```
///
/// `wake` is for `run`, and left out if `run` itself was the writer; with `*` also if it is parked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Turn {
    /// No turn is due: nothing is queued, or a caller that staged something is going to flush it.
    #[default]
    Idle,
    /// The turn of `run`, which has been woken.
    Scheduled,
    /// A thread is writing. It looks at the queue again, under the lock, before it ends its turn.
    Writing {
        /// `run` waits for the socket meanwhile, since the kernel took nothing before.
        parked: bool,
    },
    /// The kernel takes nothing. `run` waits for the socket, or has been woken to do so.
    Blocked,
}

/// The current writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Writer {
    /// The task in `run`, which waits when its turn is over.
    Run,
    /// A thread that calls any other method, and goes on with something else.
    Caller,
}

/// Why a turn is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TurnEnd {
    /// Nothing is queued any more.
    Everything,
    /// The kernel takes nothing now.
    Blocked,
    /// The kernel might take more, but others want to run too.
    Enough,
}

impl Turn {
    /// Something was queued. Returns whether to wake `run` for it.
    pub(super) fn schedule(&mut self) -> bool {
        let wake = *self == Self::Idle;
        if wake {
            *self = Self::Scheduled;
        }
        wake
    }

    /// Begins a turn, unless another thread is at it.
    pub(super) fn begin(&mut self, writer: Writer) -> bool {
        let free = !matches!(self, Self::Writing { .. });
        let parked = *self == Self::Blocked && writer == Writer::Caller;
        if free || writer == Writer::Run {
            *self = Self::Writing { parked };
        }
        free
    }

    /// Ends a turn that `writer` has begun. Returns whether to wake `run`.
    pub(super) fn end(&mut self, writer: Writer, end: TurnEnd) -> bool {
        let parked = *self == Self::Writing { parked: true };
        let (next, wake) = match end {
            TurnEnd::Everything => (Self::Idle, false),
            TurnEnd::Blocked => (Self::Blocked, !parked),
            TurnEnd::Enough => (Self::Scheduled, true),
        };
        *self = next;
        wake && writer == Writer::Caller
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Turn, TurnEnd, Writer};

    /// What the task in `run` is doing.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    enum Run {
        Looks,
        Writes,
        WaitsForWake,
        WaitsForSocket,
    }

    /// What a thread that queues and flushes is doing.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    enum Caller {
        Elsewhere,
        Flushes,
        Writes,
    }

    /// A queue, its `run`, two other threads, and a kernel that takes bytes or does not.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    struct Model {
        turn: Turn,
        queued: u8,
        /// `run` has been woken and has not noticed.
        woken: bool,
        kernel_takes: bool,
        run: Run,
        callers: [Caller; 2],
    }

    impl Model {
        const START: Self = Self {
            turn: Turn::Idle,
            queued: 0,
            woken: false,
            kernel_takes: true,
            run: Run::Looks,
            callers: [Caller::Elsewhere; 2],
        };

        /// What a writer may do with the lock at the end of a system call: go on, or end its turn.
        fn write(self, writer: Writer) -> Vec<(Self, Option<TurnEnd>)> {
            let ended = |mut model: Self, end| {
                model.woken |= model.turn.end(writer, end);
                (model, Some(end))
            };
            if self.queued == 0 {
                return vec![ended(self, TurnEnd::Everything)];
            }
            if !self.kernel_takes {
                return vec![ended(self, TurnEnd::Blocked)];
            }
            let less = Self { queued: self.queued - 1, ..self };
            vec![
                (less, None),
                ended(less, if less.queued == 0 { TurnEnd::Everything } else { TurnEnd::Enough }),
            ]
        }

        /// What the task in `run` may do next.
        fn run_steps(mut self) -> Vec<Self> {
            match self.run {
                Run::Looks => {
                    let begun = self.turn.begin(Writer::Run);
                    self.run = if begun { Run::Writes } else { Run::WaitsForWake };
                    vec![self]
                }
                Run::Writes => {
                    let after = |(model, end)| {
                        let run = match end {
                            None => Run::Writes,
                            Some(TurnEnd::Everything) => Run::WaitsForWake,
                            Some(TurnEnd::Blocked) => Run::WaitsForSocket,
                            Some(TurnEnd::Enough) => Run::Looks,
                        };
                        Self { run, ..model }
                    };
                    self.write(Writer::Run).into_iter().map(after).collect()
                }
                Run::WaitsForWake | Run::WaitsForSocket if self.woken => {
                    vec![Self { run: Run::Looks, woken: false, ..self }]
                }
                Run::WaitsForSocket if self.kernel_takes => vec![Self { run: Run::Looks, ..self }],
                Run::WaitsForWake | Run::WaitsForSocket => Vec::new(),
            }
        }

        /// What this caller may do next with what was queued before.
        fn caller_steps(mut self, i: usize) -> Vec<Self> {
            match self.callers[i] {
                Caller::Elsewhere => Vec::new(),
                Caller::Flushes => {
                    let begun = self.turn.begin(Writer::Caller);
                    self.callers[i] = if begun { Caller::Writes } else { Caller::Elsewhere };
                    vec![self]
                }
                Caller::Writes => {
                    let after = |(mut model, end): (Self, Option<TurnEnd>)| {
                        model.callers[i] =
                            if end.is_none() { Caller::Writes } else { Caller::Elsewhere };
                        model
                    };
                    self.write(Writer::Caller).into_iter().map(after).collect()
                }
            }
        }

        /// What anybody does with what is queued.
        fn work(self) -> Vec<Self> {
            let callers = (0..self.callers.len()).flat_map(|i| self.caller_steps(i));
            self.run_steps().into_iter().chain(callers).collect()
        }

        /// What the world may do: the kernel takes bytes or stops, a caller pushes or stages.
        fn world(self) -> Vec<Self> {
            let mut steps = vec![Self { kernel_takes: !self.kernel_takes, ..self }];
            for i in 0..self.callers.len() {
                if self.queued < 3 && self.callers[i] == Caller::Elsewhere {
                    let mut pushed = Self { queued: self.queued + 1, ..self };
                    let mut staged = pushed;
                    pushed.woken |= pushed.turn.schedule();
                    staged.callers[i] = Caller::Flushes;
                    steps.extend([pushed, staged]);
                }
            }
            steps
        }

        fn writers(self) -> usize {
            usize::from(self.run == Run::Writes)
                + self.callers.iter().filter(|caller| **caller == Caller::Writes).count()
        }
    }

    /// All interleavings: since every step is made under the lock, there are no others.
    #[test]
    fn nothing_is_left_queued_while_the_kernel_takes_it_and_one_writes_at_a_time() {
        let (mut seen, mut todo) = (BTreeSet::new(), vec![Model::START]);
        while let Some(model) = todo.pop() {
            if !seen.insert(model) {
                continue;
            }
            assert!(model.writers() <= 1, "{model:?}");
            let writing = matches!(model.turn, Turn::Writing { .. });
            assert_eq!(writing, model.writers() == 1, "{model:?}");
            let work = model.work();
            assert!(!work.is_empty() || model.queued == 0 || !model.kernel_takes, "{model:?}");
            todo.extend(work.into_iter().chain(model.world()));
        }
        assert!(seen.len() > 500, "only {} states", seen.len());
    }
}
