//! What the templates of goals are given.

use super::{Errors, May, MemberView, Page, PeopleList, RequestView};
use crate::goal::edit::EditForm;
use crate::goal::{Goal, GoalForm, Standing};
use crate::id::{GoalId, RoomId};
use serde::Serialize;

/// A goal as templates and JSON show it.
#[derive(Debug, Serialize)]
pub struct GoalView {
    /// Which.
    pub id: GoalId,
    /// What is pursued, in a line.
    pub title: String,
    /// And in a few.
    pub description: String,
    /// `active`, `completed`, `paused` or `cancelled`.
    pub status: String,
    /// 0 to 100.
    pub progress: i64,
    /// Approved members.
    pub member_count: i64,
    /// YYYY-MM-DD.
    pub start_date: Option<String>,
    /// YYYY-MM-DD.
    pub end_date: Option<String>,
    /// Its room.
    pub chatroom_id: RoomId,
    /// `none`, `pending`, `member`, `admin` or `owner`.
    pub my: &'static str,
}

impl From<Goal> for GoalView {
    fn from(goal: Goal) -> Self {
        Self {
            id: goal.id,
            title: goal.title,
            description: goal.description,
            status: goal.status,
            progress: goal.progress,
            member_count: goal.member_count,
            start_date: goal.start_date,
            end_date: goal.end_date,
            chatroom_id: goal.chatroom,
            my: goal.my.map_or("none", Standing::as_str),
        }
    }
}

/// `goal/index.html`.
#[derive(Debug, Serialize)]
pub struct GoalIndex {
    /// The page.
    pub page: Page,
    /// What was asked.
    pub form: GoalListForm,
    /// What is wrong with it.
    pub errors: Errors,
    /// The orders to choose from.
    pub orders: [&'static str; 3],
    /// The goals of the viewer that were active lately, before the first page of all.
    pub mine: Vec<GoalView>,
    /// How many goals the viewer is in.
    pub mine_count: usize,
    /// The goals of this page.
    pub goals: Vec<GoalView>,
    /// Where the list begins anew.
    pub first_url: Option<String>,
    /// Where it goes on.
    pub next_url: Option<String>,
}

/// What was asked of the list of goals.
#[derive(Debug, Default, Serialize)]
pub struct GoalListForm {
    /// Words that are looked for.
    pub q: String,
    /// `activity`, `newest` or `title`.
    pub order: &'static str,
    /// Whether only the viewer's own goals are asked for.
    pub mine: bool,
}

/// `goal/new.html`.
#[derive(Debug, Serialize)]
pub struct GoalNew {
    /// The page.
    pub page: Page,
    /// What was typed.
    pub form: GoalFormView,
    /// What is wrong with it.
    pub errors: Errors,
}

/// What is typed to found a goal.
#[derive(Debug, Default, Serialize)]
pub struct GoalFormView {
    /// The title.
    pub title: String,
    /// The description.
    pub description: String,
    /// YYYY-MM-DD.
    pub start_date: String,
    /// YYYY-MM-DD.
    pub end_date: String,
    /// `all`, `none` or empty: what newcomers see of the talk before them.
    pub history: String,
}

/// `goal/edit.html`.
#[derive(Debug, Serialize)]
pub struct GoalEdit {
    /// The page.
    pub page: Page,
    /// The goal as it is.
    pub goal: GoalView,
    /// What the viewer may do.
    pub may: May,
    /// What was typed.
    pub form: GoalEditView,
    /// What is wrong with it.
    pub errors: Errors,
}

/// What is typed to change a goal.
#[derive(Debug, Serialize)]
pub struct GoalEditView {
    /// What founding it asks for too.
    #[serde(flatten)]
    pub goal: GoalFormView,
    /// `active`, `completed`, `paused` or `cancelled`.
    pub status: String,
    /// 0 to 100.
    pub progress: String,
}

impl From<EditForm> for GoalEditView {
    fn from(EditForm { goal, status, progress }: EditForm) -> Self {
        let GoalForm { title, description, start_date, end_date, history } = goal;
        Self { goal: GoalFormView { title, description, start_date, end_date, history }, status, progress }
    }
}

/// `goal/show.html`.
#[derive(Debug, Serialize)]
pub struct GoalShow {
    /// The page.
    pub page: Page,
    /// The goal.
    pub goal: GoalView,
    /// `none`, `pending`, `member`, `admin` or `owner`.
    pub my: &'static str,
    /// Which of them.
    pub people: PeopleList,
    /// Its members; for members only.
    pub members: Vec<MemberView>,
    /// Who asks to join; for those who decide.
    pub requests: Vec<RequestView>,
    /// What the viewer may do.
    pub may: May,
}
