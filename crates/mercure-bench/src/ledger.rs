//! What was sent, what has arrived, and what of it counts.

use crate::histogram::Latencies;
use crate::stamp::Stamp;

/// One message under way.
#[derive(Clone, Copy, Debug)]
struct Message {
    /// When it left, in nanoseconds of the client's clock.
    sent: u64,
    due: u64,
    /// Readers that have not got it yet.
    left: u32,
    answered: bool,
}

impl Message {
    fn is_done(self) -> bool {
        self.answered && self.left == 0
    }
}

/// The account of one run. All times are nanoseconds of the client's clock.
#[derive(Debug)]
pub(crate) struct Ledger {
    messages: Vec<Message>,
    /// All before this one are done or given up.
    oldest: usize,
    /// Messages that are neither done nor given up.
    under_way: usize,
    /// Deliveries that never came.
    pub(crate) lost: u64,
    /// Deliveries that came, in the span or not.
    pub(crate) delivered: u64,
    /// Deliveries that came more often than the message had readers.
    pub(crate) repeated: u64,
    /// Between these two moments everything counts; nothing before the first is known.
    span: Option<(u64, u64)>,
    /// What arrived within the span.
    pub(crate) deliveries: u64,
    /// Publications that were answered within the span.
    pub(crate) answers: u64,
    /// From the moment a message was due to each of its deliveries, for what was due within the span.
    pub(crate) latency: Latencies,
    /// From the moment a message was due to the publisher's answer, likewise.
    pub(crate) answering: Latencies,
}

impl Ledger {
    /// Nothing sent yet.
    pub(crate) fn new() -> Self {
        Self {
            messages: Vec::new(),
            oldest: 0,
            under_way: 0,
            lost: 0,
            delivered: 0,
            repeated: 0,
            span: None,
            deliveries: 0,
            answers: 0,
            latency: Latencies::default(),
            answering: Latencies::default(),
        }
    }

    /// From `now` on everything counts.
    pub(crate) fn open(&mut self, now: u64) {
        self.span = Some((now, u64::MAX));
    }

    /// What is due from `now` on counts no more; what was due before still may arrive.
    pub(crate) fn close(&mut self, now: u64) {
        if let Some((_, end)) = &mut self.span {
            *end = now;
        }
    }

    /// A message leaves for so many readers: its number.
    pub(crate) fn send(&mut self, now: u64, due: u64, readers: u32) -> u32 {
        self.messages.push(Message { sent: now, due, left: readers, answered: false });
        self.under_way += 1;
        (self.messages.len() - 1) as u32
    }

    /// The publisher was answered.
    pub(crate) fn answer(&mut self, sequence: u32, now: u64) {
        let (from, to) = self.bounds();
        let Some(message) = self.messages.get_mut(sequence as usize) else { return };
        message.answered = true;
        if (from..to).contains(&now) {
            self.answers += 1;
        }
        if (from..to).contains(&message.due) {
            self.answering.record(now.saturating_sub(message.due));
        }
        if message.is_done() && sequence as usize >= self.oldest {
            self.under_way -= 1;
        }
    }

    /// A reader got a message.
    pub(crate) fn deliver(&mut self, stamp: Stamp, now: u64) {
        let (from, to) = self.bounds();
        let Some(message) = self.messages.get_mut(stamp.sequence as usize) else { return };
        self.delivered += 1;
        if (from..to).contains(&now) {
            self.deliveries += 1;
        }
        if (from..to).contains(&stamp.due) {
            self.latency.record(now.saturating_sub(stamp.due));
        }
        let Some(left) = message.left.checked_sub(1) else {
            self.repeated += 1;
            return;
        };
        message.left = left;
        if message.is_done() && stamp.sequence as usize >= self.oldest {
            self.under_way -= 1;
        }
    }

    /// How many messages are neither answered and delivered to all, nor given up.
    pub(crate) fn under_way(&self) -> usize {
        self.under_way
    }

    /// Gives up the messages that left more than `patience` before `now`.
    pub(crate) fn give_up(&mut self, now: u64, patience: u64) {
        while let Some(message) = self.messages.get_mut(self.oldest) {
            if !message.is_done() {
                if now.saturating_sub(message.sent) < patience {
                    return;
                }
                self.under_way -= 1;
                self.lost += u64::from(message.left);
                // What still comes is late, not repeated.
                message.left = u32::MAX;
            }
            self.oldest += 1;
        }
    }

    fn bounds(&self) -> (u64, u64) {
        self.span.unwrap_or((u64::MAX, u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_under_way_until_it_is_answered_and_all_have_it() {
        let mut ledger = Ledger::new();
        ledger.open(0);
        let sequence = ledger.send(5, 3, 2);
        let stamp = Stamp { sequence, due: 3 };
        ledger.deliver(stamp, 10);
        ledger.answer(sequence, 11);
        assert_eq!(ledger.under_way(), 1);
        ledger.deliver(stamp, 12);
        assert_eq!((ledger.under_way(), ledger.deliveries, ledger.answers), (0, 2, 1));
        ledger.deliver(stamp, 13);
        assert_eq!((ledger.repeated, ledger.lost), (1, 0));
    }

    #[test]
    fn what_does_not_come_is_lost_and_holds_nobody_up() {
        let mut ledger = Ledger::new();
        let (first, second) = (ledger.send(0, 0, 10), ledger.send(50, 50, 1));
        ledger.answer(first, 1);
        ledger.give_up(100, 100);
        assert_eq!((ledger.under_way(), ledger.lost), (1, 10));
        ledger.deliver(Stamp { sequence: first, due: 0 }, 101);
        ledger.answer(second, 102);
        ledger.deliver(Stamp { sequence: second, due: 50 }, 103);
        assert_eq!((ledger.under_way(), ledger.lost, ledger.repeated), (0, 10, 0));
    }

    #[test]
    fn only_the_span_counts_and_its_latecomers_by_their_due_time() {
        let mut ledger = Ledger::new();
        let early = ledger.send(0, 0, 1);
        ledger.open(10);
        ledger.deliver(Stamp { sequence: early, due: 0 }, 11);
        let within = ledger.send(12, 12, 1);
        ledger.close(20);
        ledger.deliver(Stamp { sequence: within, due: 12 }, 25);
        assert_eq!(ledger.deliveries, 1, "received in the span");
        assert_eq!(ledger.latency.quantiles().count, 1, "due in the span");
    }
}
