//! Answers of the database that were asked for recently, kept until a write makes them untrue.
//!
//! A read that began before a write and ends after it must not put the old answer back, not even for a moment: an answer is put in only
//! while the generation is still that of the read's beginning, and a write begins a new one.

use quick_cache::sync::Cache;
use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock};

/// A bounded memory of answers.
#[derive(Clone)]
pub struct Recent<K, V>(Arc<Inner<K, V>>);

struct Inner<K, V> {
    entries: Cache<K, V>,
    generation: RwLock<u64>,
}

impl<K: Eq + Hash + Clone, V: Clone> Recent<K, V> {
    /// A memory of at most so many answers.
    pub fn new(capacity: usize) -> Self {
        Self(Arc::new(Inner { entries: Cache::new(capacity), generation: RwLock::new(0) }))
    }

    /// The answer kept for a key, or the one that `ask` finds; "there is none" is asked again each time.
    pub async fn get<E>(&self, key: K, ask: impl Future<Output = Result<Option<V>, E>>) -> Result<Option<V>, E> {
        if let Some(value) = self.0.entries.get(&key) {
            return Ok(Some(value));
        }
        let began_in = self.generation();
        let found = ask.await?;
        if let Some(value) = &found {
            let generation = self.0.generation.read().unwrap_or_else(PoisonError::into_inner);
            if *generation == began_in {
                self.0.entries.insert(key, value.clone());
            }
        }
        Ok(found)
    }

    /// The answers kept for some keys, and those that `ask` finds, all at once, for the others.
    pub async fn get_all<F>(&self, keys: Vec<K>, ask: impl FnOnce(Vec<K>) -> F) -> HashMap<K, V>
    where
        F: Future<Output = Vec<(K, V)>>,
    {
        let mut all = HashMap::new();
        let mut unknown = Vec::new();
        for key in keys {
            match self.0.entries.get(&key) {
                Some(value) => drop(all.insert(key, value)),
                None => unknown.push(key),
            }
        }
        if unknown.is_empty() {
            return all;
        }
        let began_in = self.generation();
        let found = ask(unknown).await;
        let generation = self.0.generation.read().unwrap_or_else(PoisonError::into_inner);
        if *generation == began_in {
            found.iter().for_each(|(key, value)| self.0.entries.insert(key.clone(), value.clone()));
        }
        all.extend(found);
        all
    }

    fn generation(&self) -> u64 {
        *self.0.generation.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// A write has made the answer for a key untrue. To be called right after its commit.
    pub fn forget(&self, key: &K) {
        let mut generation = self.0.generation.write().unwrap_or_else(PoisonError::into_inner);
        *generation += 1;
        self.0.entries.remove(key);
    }

    /// A write has made the answers for some keys untrue.
    pub fn forget_where(&self, is_untrue: impl Fn(&K, &V) -> bool) {
        let mut generation = self.0.generation.write().unwrap_or_else(PoisonError::into_inner);
        *generation += 1;
        self.0.entries.retain(|key, value| !is_untrue(key, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    async fn ask(recent: &Recent<i64, &'static str>, answer: &'static str) -> &'static str {
        let found: Result<_, Infallible> = recent.get(1, async { Ok(Some(answer)) }).await;
        found.unwrap_or_default().unwrap_or_default()
    }

    #[tokio::test]
    async fn an_answer_is_kept_until_it_is_untrue() {
        let recent = Recent::new(10);
        assert_eq!(ask(&recent, "member").await, "member");
        assert_eq!(ask(&recent, "asked again").await, "member");
        recent.forget(&1);
        assert_eq!(ask(&recent, "removed").await, "removed");
    }

    #[tokio::test]
    async fn a_read_that_a_write_overtook_is_not_kept() {
        let recent = Recent::new(10);
        let overtaken: Result<_, Infallible> = recent
            .get(1, async {
                recent.forget(&1);
                Ok(Some("member"))
            })
            .await;
        assert_eq!(overtaken, Ok(Some("member")));
        assert_eq!(ask(&recent, "removed").await, "removed");
    }

    #[tokio::test]
    async fn several_answers_are_asked_for_at_once_and_kept_like_one() {
        let recent = Recent::new(10);
        let _: Result<_, Infallible> = recent.get(2, async { Ok(Some("kept")) }).await;
        let ask_all = async |overtaken_by: Option<i64>| {
            let ask = async |unknown: Vec<i64>| {
                if let Some(key) = overtaken_by {
                    recent.forget(&key);
                }
                unknown.into_iter().filter(|key| *key < 3).map(|key| (key, "found")).collect()
            };
            recent.get_all(vec![1, 2, 3], ask).await
        };
        assert_eq!(ask_all(Some(7)).await, HashMap::from([(1, "found"), (2, "kept")]));
        assert_eq!(ask(&recent, "a write came between: asked again").await, "a write came between: asked again");
        recent.forget(&1);
        ask_all(None).await;
        assert_eq!(ask(&recent, "not asked").await, "found");
    }
}
