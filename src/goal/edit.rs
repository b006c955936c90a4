//! Changing a goal: what it says of itself and how far it has come; and its end.

use crate::chatroom::{self, Room};
use crate::clock::Micros;
use crate::db::Writer;
use crate::error::{Error, Fields, Result, Text};
use crate::goal::participation::{Decider, Owner};
use crate::goal::{self, Goal, GoalForm, list};
use crate::{params, sql};

/// What a goal may be: going on, reached, resting, given up.
pub const STATUSES: [&str; 4] = ["active", "completed", "paused", "cancelled"];

/// What a person types to change a goal.
#[derive(Debug, Clone, Default)]
pub struct EditForm {
    /// What founding it asks for too.
    pub goal: GoalForm,
    /// A word of [`STATUSES`].
    pub status: String,
    /// 0 to 100.
    pub progress: String,
}

impl EditForm {
    /// The form as the goal stands.
    pub fn of(goal: &Goal) -> Self {
        Self {
            goal: GoalForm {
                title: goal.title.clone(),
                description: goal.description.clone(),
                start_date: goal.start_date.clone().unwrap_or_default(),
                end_date: goal.end_date.clone().unwrap_or_default(),
                history: goal.history.as_str().to_owned(),
            },
            status: goal.status.clone(),
            progress: goal.progress.to_string(),
        }
    }

    /// Trims what was typed and says what is wrong with it.
    ///
    /// # Errors
    /// `Invalid`, every field at once.
    pub fn checked(self) -> Result<Edit> {
        let (form, mut fields) = match self.goal.checked() {
            Ok(form) => (form, Fields::default()),
            Err(Error::Invalid(fields)) => (GoalForm::default(), fields),
            Err(error) => return Err(error),
        };
        if !STATUSES.contains(&self.status.as_str()) {
            fields.add("status", Text::new("field-status"));
        }
        let progress = self.progress.trim().parse().ok().filter(|progress| (0..=100).contains(progress));
        if progress.is_none() {
            fields.add("progress", Text::new("field-progress"));
        }
        fields.check()?;
        Ok(Edit { form, status: self.status, progress: progress.unwrap_or_default() })
    }
}

/// A checked change of a goal.
#[derive(Debug, Clone)]
pub struct Edit {
    form: GoalForm,
    status: String,
    progress: i64,
}

/// What became of a goal.
#[derive(Debug)]
pub struct Edited {
    /// As it is now.
    pub goal: Goal,
    /// Its room, when it has another title now.
    pub renamed: Option<Room>,
    /// Whether it was reached just now.
    pub is_done: bool,
}

/// Changes a goal. Its room follows its title.
///
/// # Errors
/// `NotFound` when it was deleted meanwhile.
pub fn edit(tx: &mut Writer<'_>, by: &Decider, edit: &Edit) -> Result<Edited> {
    let before = by.goal();
    let or_none = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let Edit { form, status, progress } = edit;
    tx.execute(
        sql!(
            r#"
            update goal
            set title = $2, description = $3, start_date = $4, end_date = $5, status = $6, progress = $7, history = $8
            where id = $1
            "#
        ),
        params![
            before.id,
            &form.title,
            &form.description,
            or_none(&form.start_date),
            or_none(&form.end_date),
            status,
            *progress,
            &form.history
        ],
    )?;
    list::index(tx, before.chatroom, &form.title, &form.description)?;
    let renamed = if before.title == form.title {
        None
    } else {
        Some(chatroom::state::rename(tx, before.chatroom, &form.title)?)
    };
    let is_done = status == "completed" && before.status != "completed";
    Ok(Edited { goal: goal::find(tx, before.id, Some(by.user()))?, renamed, is_done })
}

/// Ends a goal: it and all its rooms are invisible for ever. The rooms, as they are told last.
pub fn delete(tx: &mut Writer<'_>, by: &Owner, now: Micros) -> Result<Vec<Room>> {
    chatroom::state::delete_all(tx, by.goal().id, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(status: &str, progress: &str, title: &str) -> Vec<String> {
        let goal = GoalForm { title: title.into(), ..GoalForm::default() };
        match (EditForm { goal, status: status.into(), progress: progress.into() }).checked() {
            Err(Error::Invalid(fields)) => fields.0.into_iter().map(|(name, _)| name.into_owned()).collect(),
            Ok(_) | Err(_) => Vec::new(),
        }
    }

    #[test]
    fn every_fault_is_told_at_once() {
        assert!(faults("completed", " 100 ", "Marathon").is_empty());
        assert_eq!(faults("done", "101", "x"), ["title", "status", "progress"]);
        for odd in ["", "-1", "1.5", "1e2", "x"] {
            assert_eq!(faults("active", odd, "Marathon"), ["progress"], "{odd}");
        }
    }
}
