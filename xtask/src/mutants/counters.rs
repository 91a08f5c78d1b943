//! Faults in the table of counters and in the handles. The simulator has to find each.
//!
//! Changes that are left out because nobody could tell them from the original: a loser that does not mark
//! its record dead (an unlinked record is as good to every reader), a value that is not zeroed (a place
//! that is not all zeros is not used), a limit past the memory that is not looked at (asking for growth
//! maps the rest as well).

use super::Mutant;

const TABLE: &str = "core/src/table.rs";
const HANDLE: &str = "core/src/counter/protocol.rs";
const GATE: &str = "core/src/counter/gate.rs";

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "a new record is published by a plain store",
        file: TABLE,
        old: "self.words.compare_exchange32(bucket, head, start, Ordering::Release, Ordering::Acquire)?;",
        new: "self.words.store32(bucket, start, Ordering::Release).map(|()| Ok::<u32, u32>(head))?;",
    },
    Mutant {
        name: "who loses the race does not look again",
        file: TABLE,
        old: "if let Some(other) = self.walk(name, seen, head, visits)? {",
        new: "if let Some(other) = None::<Slot> {",
    },
    Mutant {
        name: "who loses the race looks at the old part",
        file: TABLE,
        old: "if let Some(other) = self.walk(name, seen, head, visits)? {",
        new: "if let Some(other) = self.walk(name, head, END, visits)? {",
    },
    Mutant {
        name: "who loses the race skips what came after its look",
        file: TABLE,
        old: "head = seen;",
        new: "head = self.head(bucket)?;",
    },
    Mutant {
        name: "who loses the race counts into its own record",
        file: TABLE,
        old: "return Ok(other);",
        new: "return Ok(Slot(start));",
    },
    Mutant {
        name: "the limit is set by a plain store",
        file: TABLE,
        old: "limit = match self.words.compare_exchange32(
                at,
                limit,
                place.end,
                Ordering::Relaxed,
                Ordering::Relaxed,
            )? {",
        new: "limit = match self.words.store32(at, place.end, Ordering::Relaxed).map(|()| Ok::<u32, u32>(limit))? {",
    },
    Mutant {
        name: "a place past the end of the file is taken",
        file: TABLE,
        old: "if place.end > self.words.length() {",
        new: "if false {",
    },
    Mutant {
        name: "a place that is in use is written over",
        file: TABLE,
        old: "Ok(_) if is_untouched(&self.words, place.start, name_length)? => {",
        new: "Ok(_) => {",
    },
    Mutant {
        name: "a file that has grown is called damaged, as Go does",
        file: TABLE,
        old: "Unreadable::Beyond { .. } => Stop::Remap(fault(Rule::LinkInFile)),",
        new: "Unreadable::Beyond { .. } => Stop::Fault(fault(Rule::LinkInFile)),",
    },
    Mutant {
        name: "a record is published before it is written",
        file: TABLE,
        old: "write_entry_at(&self.words, start, name)?;
        let published = self.publish(name, bucket, head, start, &mut visits);",
        new: "let published = self.publish(name, bucket, head, start, &mut visits);
        write_entry_at(&self.words, start, name)?;",
    },
    Mutant {
        name: "the chain behind a new record is cut off",
        file: TABLE,
        old: "set_next(&self.words, start, head)?;",
        new: "set_next(&self.words, start, END)?;",
    },
    Mutant {
        name: "a name is not looked for before it is made",
        file: TABLE,
        old: "if let Some(slot) = self.walk(name, head, END, &mut visits)? {",
        new: "if let Some(slot) = None::<Slot> {",
    },
    Mutant {
        name: "any record of the chain will do",
        file: TABLE,
        old: "if record.has_name(&self.words, name.bytes())? {",
        new: "if true {",
    },
    Mutant {
        name: "a count is a load and a store",
        file: TABLE,
        old: "self.words.add64(slot.0, n)",
        new: "let old = self.words.load64(slot.0, Ordering::Relaxed)?;
        self.words.store64(slot.0, old + n, Ordering::Relaxed).map(|()| old)",
    },
    Mutant {
        name: "a record may cross the end of a page",
        file: "core/src/format/layout.rs",
        old: "if start / PAGE != end / PAGE {",
        new: "if false {",
    },
    Mutant {
        name: "a record may reach the end of a page",
        file: "core/src/format/layout.rs",
        old: "if start / PAGE != end / PAGE {",
        new: "if start / PAGE != (end - 1) / PAGE {",
    },
    Mutant {
        name: "the length of a name is not written",
        file: "core/src/format/record.rs",
        old: "words.store32(offset + LENGTH_IN_RECORD, name.length() | LENGTH_MARK, Ordering::Relaxed)",
        new: "Ok(())",
    },
    Mutant {
        name: "who waits does not look again",
        file: HANDLE,
        old: "State::Attached(count) => {
            settle(cells, count);
            true
        }",
        new: "State::Attached(_) => true,",
    },
    Mutant {
        name: "what waits is left when a handle gets its place",
        file: HANDLE,
        old: "    cells.set_state(State::Attached(count), Ordering::Release);
    settle(cells, count);",
        new: "    cells.set_state(State::Attached(count), Ordering::Release);",
    },
    Mutant {
        name: "what waits is taken before the place is stored",
        file: HANDLE,
        old: "    cells.set_state(State::Attached(count), Ordering::Release);
    settle(cells, count);",
        new: "    settle(cells, count);
    cells.set_state(State::Attached(count), Ordering::Release);",
    },
    Mutant {
        name: "who waits looks again before it has added",
        file: HANDLE,
        old: "    cells.add_pending(n, Ordering::AcqRel);
    // ORDER: Acquire. As in `add`.
    match cells.state(Ordering::Acquire) {",
        new: "    let state = cells.state(Ordering::Acquire);
    cells.add_pending(n, Ordering::AcqRel);
    match state {",
    },
    Mutant {
        name: "who has enlisted a handle takes its place away",
        file: HANDLE,
        old: "cells.leave_fresh(Ordering::Relaxed);",
        new: "cells.set_state(State::Waiting, Ordering::Relaxed);",
    },
    Mutant {
        name: "a handle keeps its place in a file that is given up",
        file: HANDLE,
        old: "cells.set_state(State::Waiting, Ordering::Relaxed);",
        new: "let _ = cells.state(Ordering::Relaxed);",
    },
    Mutant {
        name: "the head is loaded before the link",
        file: HANDLE,
        old: "        let link = list.link(node, Ordering::Acquire);
        // ORDER: Acquire. Pairs with the Release of the exchange of the head: the links behind it are
        // seen. Weaker fails the loom test `enlist`.
        let head = list.head(Ordering::Acquire);",
        new: "        let head = list.head(Ordering::Acquire);
        let link = list.link(node, Ordering::Acquire);",
    },
    Mutant {
        name: "who loses the race to enlist does not try again",
        file: HANDLE,
        old: "            if list.exchange_head(head, node, Ordering::Release) {
                return;
            }",
        new: "            list.exchange_head(head, node, Ordering::Release);
            return;",
    },
    Mutant {
        name: "a handle that is found in the list is enlisted again",
        file: HANDLE,
        old: "        if member == node {
            return true;
        }",
        new: "        if member == node {
            return false;
        }",
    },
    Mutant {
        name: "what is taken does not land",
        file: HANDLE,
        old: "if n > 0 {
        cells.land(count, n);",
        new: "if n > 1 {
        cells.land(count, n);",
    },
    Mutant {
        name: "a handle is enlisted without a look at the list",
        file: HANDLE,
        old: "link != Link::Unset && is_between(list, node, head, link)",
        new: "false",
    },
    Mutant {
        name: "a handle is taken for enlisted when it is begun",
        file: HANDLE,
        old: "link != Link::Unset && is_between(list, node, head, link)",
        new: "link != Link::Unset",
    },
    Mutant {
        name: "a handle is used before it is enlisted",
        file: HANDLE,
        old: "            enlist(list, node);
            // ORDER: Relaxed. The list says that the handle is in it; this only saves the next look.
            cells.leave_fresh(Ordering::Relaxed);",
        new: "            cells.leave_fresh(Ordering::Relaxed);
            enlist(list, node);",
    },
    Mutant {
        name: "a detached handle is as new",
        file: HANDLE,
        old: "cells.set_state(State::Waiting, Ordering::Relaxed);",
        new: "cells.set_state(State::Fresh, Ordering::Relaxed);",
    },
    Mutant {
        name: "who finds the gate shut leaves no note",
        file: GATE,
        old: "Gate::Shut | Gate::Noted => Gate::Noted,",
        new: "Gate::Shut | Gate::Noted => found,",
    },
    Mutant {
        name: "two are inside the gate",
        file: GATE,
        old: "Ok(()) => return found == Gate::Open,",
        new: "Ok(()) => return true,",
    },
    Mutant {
        name: "who waits for its turn does not wait",
        file: GATE,
        old: "    gate.exchange(Gate::Open, Gate::Shut, Ordering::Acquire, Ordering::Relaxed).is_ok()",
        new: "    let _ = gate.exchange(Gate::Open, Gate::Shut, Ordering::Acquire, Ordering::Relaxed);
    true",
    },
    Mutant {
        name: "a note is thrown away",
        file: GATE,
        old: "    debug_assert!(taken.is_ok(), \"only who is inside takes a note away\");
    false",
        new: "    gate.exchange(Gate::Shut, Gate::Open, Ordering::Release, Ordering::Relaxed).is_ok() | taken.is_ok()",
    },
];
