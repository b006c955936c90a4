//! The people of a room or a goal, and those who ask to join, as a page lists them.

use crate::chatroom::MemberState;
use crate::clock::Micros;
use crate::goal::participation::Request;
use crate::id::GoalId;
use crate::text;
use crate::user::Name;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use std::collections::HashMap;

/// Somebody in a room or a goal.
#[derive(Debug, Serialize)]
pub struct MemberView {
    /// Who.
    pub user: Name,
    /// In which role.
    pub role: &'static str,
    /// Since when.
    pub joined_at: Micros,
    /// What the name looks like ([`text::looks`]): the page compares it with those who come later.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub looks: String,
    /// Whether another name beside it looks the same.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_alike: bool,
}

impl From<MemberState> for MemberView {
    fn from(member: MemberState) -> Self {
        let (role, joined_at) = (member.role.as_str(), member.joined_at);
        Self { user: member.user, role, joined_at, looks: String::new(), is_alike: false }
    }
}

/// Which part of a goal's people a page shows.
#[derive(Debug, Serialize)]
pub struct PeopleList {
    /// Beginnings of names that were looked for.
    pub q: String,
    /// Where the list begins anew.
    pub first_url: Option<String>,
    /// Where it goes on.
    pub next_url: Option<String>,
    /// The same for programs: the value of `after`.
    pub next: Option<String>,
}

impl PeopleList {
    /// The part of the list that was asked for.
    pub fn new(q: &str, is_further: bool, goal: GoalId, next: Option<String>) -> Self {
        let words =
            if q.is_empty() { String::new() } else { format!("q={}", utf8_percent_encode(q, NON_ALPHANUMERIC)) };
        let base = format!("/goal/{goal}?{words}");
        let next_url = next.as_ref().map(|next| {
            let and = if words.is_empty() { "" } else { "&" };
            format!("{base}{and}after={}#people", utf8_percent_encode(next, NON_ALPHANUMERIC))
        });
        Self { q: q.to_owned(), first_url: is_further.then(|| format!("{base}#people")), next_url, next }
    }
}

/// Somebody who asks to join.
#[derive(Debug, Serialize)]
pub struct RequestView {
    /// Who.
    pub user: Name,
    /// Since when.
    pub asked_at: Micros,
    /// What the name looks like ([`text::looks`]).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub looks: String,
    /// Whether another name beside it looks the same.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_alike: bool,
}

impl From<Request> for RequestView {
    fn from(request: Request) -> Self {
        Self { user: request.user, asked_at: request.asked_at, looks: String::new(), is_alike: false }
    }
}

/// Notes whose names cannot be told apart, among all who are there and who ask.
pub fn mark_alike(members: &mut [MemberView], requests: &mut [RequestView]) {
    members.iter_mut().for_each(|member| member.looks = text::looks(&member.user.full()));
    requests.iter_mut().for_each(|request| request.looks = text::looks(&request.user.full()));
    let mut bearers: HashMap<(usize, String), usize> = HashMap::new();
    let all = members.iter().map(|member| &member.looks).chain(requests.iter().map(|request| &request.looks));
    for word in all.flat_map(|looks| words(looks)) {
        *bearers.entry(word).or_default() += 1;
    }
    let is_alike = |looks: &str| words(looks).any(|word| bearers.get(&word).is_some_and(|bearers| *bearers > 1));
    members.iter_mut().for_each(|member| member.is_alike = is_alike(&member.looks));
    requests.iter_mut().for_each(|request| request.is_alike = is_alike(&request.looks));
}

/// The first word is compared with first words only, the second with second ones.
fn words(looks: &str) -> impl Iterator<Item = (usize, String)> + '_ {
    looks.split(' ').map(str::to_owned).enumerate()
}
