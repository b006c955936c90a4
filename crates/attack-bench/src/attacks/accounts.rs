//! Tries to sign in: with addresses that are long, and with wrong passwords for somebody else's account.

use super::Context;
use crate::Trouble;
use crate::person::{Person, sign_in};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Bytes of a typed address: a little less than a body may have.
const ADDRESS: usize = 250_000;

/// Anonymous tries, a different address each, from sixty addresses.
pub(super) async fn long_addresses(context: &Arc<Context>) -> Result<(), Trouble> {
    let visitors = visitors(context, 60)?;
    let total = context.options.scaled(1_200);
    context
        .repeat(8, Some(total), move |_, number| {
            let visitor = visitors[number as usize % visitors.len()].clone();
            async move {
                // Letters alone: they are not made longer by encoding them.
                let email = format!("{number}x{}", "a".repeat(ADDRESS));
                visitor.ask(&sign_in(&email, "wrong")).await
            }
        })
        .await;
    Ok(())
}

/// Wrong passwords, from twelve addresses at once.
pub(super) async fn lock_out(context: &Arc<Context>) -> Result<(), Trouble> {
    let visitors = visitors(context, 12)?;
    let owner = context.others.people.first().ok_or(Trouble::Nobody)?.email.clone();
    context
        .repeat(12, None, move |_, number| {
            let visitor = visitors[number as usize % visitors.len()].clone();
            let request = sign_in(&owner, "wrong horse battery");
            async move { visitor.ask(&request).await }
        })
        .await;
    Ok(())
}

fn visitors(context: &Context, count: u8) -> Result<Arc<[Person]>, Trouble> {
    let target = context.attacker.target;
    (1..=count).map(|number| Person::visitor(target, Ipv4Addr::new(127, 0, 8, number))).collect()
}
