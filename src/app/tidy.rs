//! What is done beside the requests, again and again: files that belong to nothing are deleted, and what people deleted is erased.

use super::App;
use crate::chatroom::reader;
use crate::clock::Micros;
use crate::db::Lane;
use crate::error::Result;
use crate::files::Name;
use crate::message::{attachment, erase, link};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How often everything is looked through.
const EVERY: Duration = Duration::from_secs(3_600);
/// How long after a deletion the database's log is emptied: several deletions, once.
const SOON: Duration = Duration::from_secs(2);
/// Tries to empty it; between two of them who reads the database has time to finish.
const TRIES: u32 = 5;
/// Steps in which the search's index is written anew, in one round.
const STEPS: u32 = 24;

impl App {
    /// Deletes the bytes that deleted messages have let go.
    ///
    /// # Errors
    /// `Unavailable`, `Internal`.
    pub async fn delete_forgotten(&self) -> Result<()> {
        loop {
            let names = self.db.read(attachment::forgotten).await?;
            if names.is_empty() {
                return Ok(());
            }
            for name in names.iter().filter_map(|name| Name::parse(name)) {
                self.files.delete(&name).await?;
            }
            self.db.write(Lane::None, move |tx| attachment::is_gone(tx, &names)).await?;
        }
    }

    /// Deletes what lies in the file store and belongs to nothing; how many files that were.
    ///
    /// # Errors
    /// `Unavailable`, `Internal`.
    pub async fn sweep_files(&self) -> Result<usize> {
        self.delete_forgotten().await?;
        self.files.sweep(|shelf| self.db.read(move |db| attachment::named(db, &shelf))).await
    }

    /// Erases the content of rooms that were deleted long enough ago, in small transactions; how many rooms that were.
    ///
    /// # Errors
    /// `Unavailable`, `Internal`.
    pub async fn erase_deleted_rooms(&self) -> Result<usize> {
        let Some(after) = self.config.erase_after else { return Ok(0) };
        let now = self.clock.now();
        self.db.write(Lane::None, move |tx| erase::note_deleted(tx, now)).await?;
        let due = self.db.read(move |db| erase::due(db, now.saturating_sub(after))).await?;
        for room in &due {
            let (due, room) = (*room, room.room);
            let mut above = Micros::MIN;
            while let Some(next) = self.db.write(Lane::None, move |tx| erase::next_batch(tx, room, above, now)).await? {
                above = next;
            }
            self.db.write(Lane::None, move |tx| erase::finish(tx, due, now)).await?;
        }
        if !due.is_empty() {
            self.has_erased.store(true, Ordering::Relaxed);
            self.delete_forgotten().await?;
        }
        Ok(due.len())
    }

    /// One round of everything.
    ///
    /// # Errors
    /// `Unavailable`, `Internal`.
    pub async fn tidy(&self) -> Result<()> {
        let erased = self.erase_deleted_rooms().await?;
        let (swept, now) = (self.sweep_files().await?, self.clock.now());
        self.db.write(Lane::None, move |tx| link::forget_unshown(tx, now)).await?;
        while self.db.write(Lane::None, move |tx| reader::forget_old(tx, now - reader::KEPT_FOR)).await? {}
        if erased + swept > 0 {
            tracing::info!(erased, swept, "deleted rooms are erased, files that belonged to nothing are deleted");
        }
        if self.has_erased.swap(false, Ordering::Relaxed) {
            for _ in 0..STEPS {
                self.db.write(Lane::None, erase::compact_index).await?;
            }
        }
        self.db.empty_log().await?;
        Ok(())
    }

    /// A round now and every hour, as long as the program runs.
    pub async fn keep_tidy(self) {
        loop {
            if let Err(error) = self.tidy().await {
                tracing::warn!(%error, "what is deleted could not be tidied away");
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Something was deleted: its text leaves the database's log too, in a moment.
    pub fn erase_soon(&self) {
        self.has_erased.store(true, Ordering::Relaxed);
        if self.is_erasing.swap(true, Ordering::AcqRel) {
            return;
        }
        let app = self.clone();
        tokio::spawn(async move {
            let mut stopping = app.stopping.subscribe();
            for _ in 0..TRIES {
                tokio::select! {
                    () = tokio::time::sleep(SOON) => {}
                    // The writer empties the log when it leaves.
                    _ = stopping.wait_for(|is_stopping| *is_stopping) => return,
                }
                app.is_erasing.store(false, Ordering::Release);
                match app.db.empty_log().await {
                    Ok(true) => return,
                    Ok(false) => {}
                    Err(error) => return tracing::warn!(%error, "the database's log could not be emptied"),
                }
            }
        });
    }
}
