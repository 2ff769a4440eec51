//! Who holds beside whom.

use super::check::{Checked, ensure};
use super::ledger::{Holding, Ledger, Queued};
use super::names::{Item, clash};
use leasehold_core::event::Event;

/// L1: of two conflicting leases one is in the other's chain; a pool has no more holders than slots,
/// each a slot of its own. Lapsed leases count too: any of them may be revived.
pub(super) fn exclusion(ledger: &Ledger, events: &[Event], whole: bool) -> Checked {
    if whole {
        return ledger
            .leases
            .values()
            .try_for_each(|held| beside(ledger, held));
    }
    for event in events {
        if let Event::Queued { ticket, .. } = event {
            let of_request = |queued: &&Queued| queued.ticket.request == ticket.request;
            let places = ledger.tickets.values().filter(of_request).count();
            ensure(places <= 1, || {
                format!("two places for one request: {ticket:?}")
            })?;
        }
        if let Event::Granted { lease, .. } | Event::Renewed { lease } = event
            && let Some(held) = ledger.leases.get(&lease.id)
        {
            beside(ledger, held)?;
        }
    }
    Ok(())
}

fn beside(ledger: &Ledger, held: &Holding) -> Checked {
    let lease = &held.lease;
    ensure(ledger.ticket(lease.id).is_none(), || {
        format!("a request holds and waits: {lease:?}")
    })?;
    let others = || ledger.leases.values().filter(|o| o.lease.id != lease.id);
    for other in others() {
        let of = &other.lease;
        ensure(of.token != lease.token, || {
            format!("one token twice: {lease:?} {of:?}")
        })?;
        let related = lease.inside.contains(&of.id) || of.inside.contains(&lease.id);
        ensure(related || !clash(&held.items, &other.items), || {
            format!("two holders: {lease:?} and {of:?}")
        })?;
    }
    let pools = held.items.iter().filter(|item| item.slots > 0);
    for (pool, slot) in pools.zip(&lease.slots) {
        let slots: Vec<u32> = others().filter_map(|other| slot_of(other, *pool)).collect();
        let room = slots.len() < pool.slots as usize && *slot < pool.slots;
        ensure(room && !slots.contains(slot), || {
            format!("slot {slot} of a pool of {} beside {slots:?}", pool.slots)
        })?;
    }
    Ok(())
}

fn slot_of(held: &Holding, pool: Item) -> Option<u32> {
    let pools = held.items.iter().filter(|item| item.slots > 0);
    let mut slots = pools.zip(&held.lease.slots);
    slots
        .find(|(own, _)| own.same_pool(pool))
        .map(|(_, slot)| *slot)
}
