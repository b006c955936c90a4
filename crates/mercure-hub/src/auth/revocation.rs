//! Revocations: which tokens no longer count, although they have not expired.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use crate::auth::key::KeyId;

/// JSON numbers are not read back to the last bit, so two readings of one clock may differ by this much.
const PRECISION: f64 = 1e-6;

/// Who comes, as far as one can be shut out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Credentials<'a> {
    pub(crate) subject: Option<&'a str>,
    pub(crate) issued_at: Option<f64>,
    /// The token's `jti`.
    pub(crate) token_id: Option<&'a str>,
    /// The token's `sid`.
    pub(crate) session: Option<&'a str>,
    /// The key that verified the token.
    pub(crate) key: KeyId,
}

/// By what a mark is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Subject,
    Token,
    Session,
}

/// A "not before" for each `sub` that was disconnected and a mark for each `jti` and `sid`, as long as a token from before may still be alive; and the keys that count no more at all.
#[derive(Debug)]
pub(crate) struct Revocations {
    keep: f64,
    subjects: HashMap<Arc<str>, f64>,
    tokens: HashMap<Arc<str>, f64>,
    sessions: HashMap<Arc<str>, f64>,
    /// In the order in which they were made, so that old ones are found without a search.
    queue: VecDeque<(f64, By, Arc<str>)>,
    /// Each was configured once, so there are few. They stay: a lost key signs new tokens, too.
    keys: HashSet<KeyId>,
}

impl Revocations {
    pub(crate) fn new(keep: f64) -> Self {
        let (subjects, tokens, sessions) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self { keep, subjects, tokens, sessions, queue: VecDeque::new(), keys: HashSet::new() }
    }

    /// All tokens of a person that were made until now.
    pub(crate) fn revoke_subject(&mut self, subject: &str, now: f64) {
        self.mark(By::Subject, subject, now);
    }

    /// The token with this id.
    pub(crate) fn revoke_token(&mut self, id: &str, now: f64) {
        self.mark(By::Token, id, now);
    }

    /// All tokens of this session, those that are still to be made included.
    pub(crate) fn revoke_session(&mut self, session: &str, now: f64) {
        self.mark(By::Session, session, now);
    }

    /// All tokens that this key has verified or would verify. No key is nobody's.
    pub(crate) fn revoke_key(&mut self, key: KeyId) {
        if key != KeyId::default() {
            self.keys.insert(key);
        }
    }

    fn mark(&mut self, by: By, what: &str, now: f64) {
        while let Some((at, by, old)) = self.queue.pop_front_if(|(at, ..)| *at + self.keep < now) {
            let marks = self.marks(by);
            if marks.get(&old) == Some(&at) {
                marks.remove(&old);
            }
        }
        let what: Arc<str> = what.into();
        self.marks(by).insert(Arc::clone(&what), now);
        self.queue.push_back((now, by, what));
    }

    fn marks(&mut self, by: By) -> &mut HashMap<Arc<str>, f64> {
        match by {
            By::Subject => &mut self.subjects,
            By::Token => &mut self.tokens,
            By::Session => &mut self.sessions,
        }
    }

    /// Whether somebody with these credentials is shut out. A token that does not say when it was made may be from before the mark.
    pub(crate) fn cover(&self, who: Credentials<'_>) -> bool {
        let mark = who.subject.and_then(|subject| self.subjects.get(subject));
        mark.is_some_and(|mark| who.issued_at.is_none_or(|issued_at| issued_at <= mark + PRECISION))
            || who.token_id.is_some_and(|id| self.tokens.contains_key(id))
            || who.session.is_some_and(|session| self.sessions.contains_key(session))
            || self.keys.contains(&who.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(subject: &str, issued_at: Option<f64>) -> Credentials<'_> {
        Credentials { subject: Some(subject), issued_at, ..Credentials::default() }
    }

    fn token(id: &str) -> Credentials<'_> {
        Credentials { token_id: Some(id), issued_at: Some(9e9), ..Credentials::default() }
    }

    #[test]
    fn a_mark_covers_what_was_issued_before_it() {
        let mut revocations = Revocations::new(60.0);
        revocations.revoke_subject("3", 1_000.0);
        for (subject, issued_at, covered) in [
            ("3", Some(999.0), true),
            ("3", Some(1_000.0), true),
            ("3", Some(1_000.01), false),
            ("3", None, true),
            ("4", Some(1.0), false),
            ("4", None, false),
        ] {
            assert_eq!(revocations.cover(person(subject, issued_at)), covered, "{subject} {issued_at:?}");
        }
        assert!(!revocations.cover(token("3")), "a token of that name is another matter");
    }

    #[test]
    fn a_token_and_a_key_are_covered_whatever_their_time() {
        let mut revocations = Revocations::new(60.0);
        let of_key = |key: KeyId| Credentials { key, ..person("3", Some(9e9)) };
        let (lost, kept) = (crate::Key::hs256("lost").id(), crate::Key::hs256("kept").id());
        revocations.revoke_token("a", 1_000.0);
        revocations.revoke_key(lost);
        assert!(revocations.cover(token("a")) && revocations.cover(of_key(lost)));
        assert!(!revocations.cover(token("b")) && !revocations.cover(of_key(kept)));
        assert!(!revocations.cover(person("a", Some(1.0))) && !revocations.cover(Credentials::default()));
        revocations.revoke_key(KeyId::default());
        assert!(!revocations.cover(Credentials::default()));
    }

    #[test]
    fn a_session_is_covered_whenever_its_token_is_made() {
        let mut revocations = Revocations::new(60.0);
        let of_session = |session| Credentials { session: Some(session), ..person("3", Some(9e9)) };
        revocations.revoke_session("a", 1_000.0);
        assert!(revocations.cover(of_session("a")));
        assert!(!revocations.cover(of_session("b")) && !revocations.cover(token("a")));
        assert!(!revocations.cover(person("a", Some(1.0))));
    }

    #[test]
    fn marks_die_with_the_tokens_they_cover() {
        let mut revocations = Revocations::new(60.0);
        revocations.revoke_subject("3", 1_000.0);
        revocations.revoke_token("4", 1_010.0);
        revocations.revoke_subject("3", 1_050.0);
        revocations.revoke_subject("5", 1_080.0);
        assert!(revocations.cover(person("3", Some(1_049.0))), "renewed, so still there");
        assert!(!revocations.cover(token("4")));
        assert_eq!((revocations.subjects.len(), revocations.tokens.len(), revocations.queue.len()), (2, 0, 2));
    }
}
