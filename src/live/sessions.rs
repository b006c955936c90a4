//! Who is signed in, as recently asked, and what happens when a session ends: one end for all that hangs on it, whoever decides it.

use super::Live;
use crate::db::Writer;
use crate::id::SessionId;
use crate::recent::Recent;
use crate::user::session::{Ended, Session, TokenHash};
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Open sessions in memory, and the requests that wait for news in them. A cheap clone.
#[derive(Clone)]
pub struct Sessions(Arc<Inner>);

struct Inner {
    recent: Recent<TokenHash, Session>,
    /// Only sessions that somebody waits in.
    waiting: Mutex<HashMap<SessionId, watch::Sender<bool>>>,
}

impl Sessions {
    /// A memory of at most so many sessions.
    pub fn new(capacity: usize) -> Self {
        Self(Arc::new(Inner { recent: Recent::new(capacity), waiting: Mutex::default() }))
    }

    /// The session kept for a token, or the one that `ask` finds.
    ///
    /// # Errors
    /// Those of `ask`.
    pub async fn get<E>(
        &self,
        hash: TokenHash,
        ask: impl Future<Output = Result<Option<Session>, E>>,
    ) -> Result<Option<Session>, E> {
        self.0.recent.get(hash, ask).await
    }

    /// What is known of a session is no longer true.
    pub fn forget(&self, hash: &TokenHash) {
        self.0.recent.forget(hash);
    }

    /// Begins to watch for a session's end. To be called before the session is asked for again, so that no end falls between.
    pub fn watch(&self, session: SessionId) -> Watch {
        let end = self.waiting().entry(session).or_default().subscribe();
        Watch { end: Some(end), session, sessions: self.clone() }
    }

    fn end(&self, ended: &Ended) {
        self.forget(&ended.token_hash);
        if let Some(end) = self.waiting().get(&ended.id) {
            end.send_replace(true);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<SessionId, watch::Sender<bool>>> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that waits in a session.
pub struct Watch {
    end: Option<watch::Receiver<bool>>,
    session: SessionId,
    sessions: Sessions,
}

impl Watch {
    /// Returns when the session has ended.
    pub async fn ended(&mut self) {
        let is_told = match &mut self.end {
            Some(end) => end.wait_for(|is_over| *is_over).await.is_ok(),
            None => false,
        };
        if !is_told {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Watch {
    /// The last request that waits in a session takes its entry along.
    fn drop(&mut self) {
        self.end = None;
        let mut waiting = self.sessions.waiting();
        if waiting.get(&self.session).is_some_and(|end| end.receiver_count() == 0) {
            waiting.remove(&self.session);
        }
    }
}

impl Live {
    /// Ends what hangs on sessions once their deletion is committed: what is kept of them in memory, requests that wait, streams, tokens.
    pub fn end_sessions(&self, tx: &mut Writer<'_>, ended: impl IntoIterator<Item = Ended>) {
        let ended: Vec<Ended> = ended.into_iter().collect();
        if !ended.is_empty() {
            let live = self.clone();
            tx.after_commit(move || live.sessions_ended(&ended));
        }
    }

    /// Sessions are no more. Told twice is told once.
    pub fn sessions_ended(&self, ended: &[Ended]) {
        for session in ended {
            self.sessions.end(session);
            self.bell.disconnect_session(session.user, session.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::UserId;

    #[tokio::test]
    async fn who_waits_learns_of_the_end_of_its_own_session_and_leaves_nothing_behind() {
        let sessions = Sessions::new(10);
        let [mut first, mut second, mut other] = [1, 1, 2].map(|id| sessions.watch(SessionId(id)));
        sessions.end(&Ended { id: SessionId(1), user: UserId(1), token_hash: [0; 32] });
        first.ended().await;
        second.ended().await;
        assert!(futures_util::FutureExt::now_or_never(other.ended()).is_none());
        drop(first);
        assert_eq!(sessions.waiting().len(), 2);
        drop((second, other));
        assert!(sessions.waiting().is_empty());
    }
}
